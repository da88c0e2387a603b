// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Safetensors
import Tensors
import Testing

@Suite("A refusal says its cause in the first sentence")
struct RefusalTests {
  private static let index = "tiny/model.safetensors.index.json"

  /// Verifies a changed copy of the tiny checkpoint and expects the first line of the error.
  private func refusal(
    _ cause: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ change: (Scratch) throws -> Void
  ) throws {
    let scratch = try Scratch()
    _ = try scratch.tiny()
    try change(scratch)
    let outcome = try Hymt2.run("verify", "tiny", in: scratch.path)
    outcome.expectFailure(naming: cause, sourceLocation: sourceLocation)
    let lines = outcome.errors.split(separator: "\n")
    #expect(
      lines.first?.contains(cause) == true, "\(outcome.errors)", sourceLocation: sourceLocation)
    #expect(lines.count < 20, "\(outcome.errors)", sourceLocation: sourceLocation)
  }

  /// The same of other tensors; nil leaves one out.
  private func tensors(
    _ cause: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ change: @escaping (_ name: String, Tensor) throws -> Tensor?
  ) throws {
    try refusal(cause, sourceLocation: sourceLocation) { scratch in
      try scratch.rewrite("tiny", as: "other") { try change($0.text, $1) }
      try scratch.remove("tiny")
      try FileManager.default.moveItem(atPath: scratch["other"], toPath: scratch["tiny"])
    }
  }

  /// The same of other names, in one file.
  private func names(
    _ cause: String, sourceLocation: SourceLocation = #_sourceLocation,
    _ rename: @escaping (String) -> String
  ) throws {
    try refusal(cause, sourceLocation: sourceLocation) { scratch in
      let folder = try CheckpointFolder(path: scratch["tiny"])
      let dict = try StateDict(
        folder.stateDict().map { (TensorName(rename($0.name.text)), $0.tensor) })
      try scratch.remove("tiny")
      try FileManager.default.createDirectory(
        atPath: scratch["tiny"], withIntermediateDirectories: true)
      try scratch.write(folder.config, to: "tiny/config.json")
      try SafetensorsFile.write(
        dict, metadata: ["format": "pt"], to: scratch["tiny/model.safetensors"])
    }
  }

  @Test("Files of another kind in place of shards")
  func otherFiles() throws {
    let pointer = Array("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n".utf8)
    try refusal("a Git LFS pointer instead of the file in 3 of them; fetch") { scratch in
      for number in 1...3 {
        try scratch.write(pointer, to: "tiny/model-0000\(number)-of-00003.safetensors")
      }
    }
    for (bytes, what) in [
      (pointer, "a Git LFS pointer"), (Array("<!DOCTYPE html><html>".utf8), "a web page"),
      (Array("<!doctype html><html>".utf8), "a web page"),
      (Array("PK\u{3}\u{4}and more".utf8), "a zip archive"),
      (Array("GGUF....".utf8), "a GGUF file"),
      ([UInt8](repeating: 0, count: 4000), "zeros"),
      (Array("{\"error\": 401}".utf8), "a JSON text"),
    ] {
      try refusal("model-00002-of-00003.safetensors: expected a safetensors file, found \(what)") {
        try $0.write(bytes, to: "tiny/model-00002-of-00003.safetensors")
      }
    }
  }

  @Test("Shards that are not there, and why")
  func missingShards() throws {
    let shard = "tiny/model-00002-of-00003.safetensors"
    try refusal("found a link that leads nowhere, 'model-00002-of-00003.safetensors'") {
      try $0.remove(shard)
      try FileManager.default.createSymbolicLink(
        atPath: $0[shard], withDestinationPath: "../blobs/none")
    }
    try refusal("found downloads that did not end, 'model-00002-of-00003.safetensors.incomplete'") {
      try $0.remove(shard)
      try $0.write([1], to: "\(shard).incomplete")
    }
    try refusal("found shards of another save, 'model-00001-of-00002.safetensors'") { scratch in
      for number in 1...3 {
        let name = "tiny/model-0000\(number)-of-0000"
        try scratch.write(scratch.bytes("\(name)3.safetensors"), to: "\(name)2.safetensors")
        try scratch.remove("\(name)3.safetensors")
      }
    }
    try refusal("and 1 there that the index lacks: it is of another save") {
      try $0.replace("\"model.norm.weight\"", by: "\"model.final_norm.weight\"", in: Self.index)
    }
    try refusal("found pickles of PyTorch, which are to be saved as safetensors first") { scratch in
      for name in try scratch.names(in: "tiny") where name.contains("safetensors") {
        try scratch.remove("tiny/\(name)")
      }
      try scratch.write([1], to: "tiny/pytorch_model.bin")
    }
  }

  @Test("Weights that another tool packed")
  func packed() throws {
    for (suffix, tool) in [
      ("weight_packed", "compressed-tensors"), ("qweight", "GPTQ or AWQ"),
      ("weight.absmax", "bitsandbytes"), ("weight_scale_2", "Model Optimizer in 4 bits"),
    ] {
      try names("the weights are packed by \(tool) (24 keys such as 'model.layers.1.mlp.exp") {
        name in
        name.contains(".experts.") ? name.replacing("weight", with: suffix) : name
      }
    }
  }

  @Test("Names of another form, prefix or family")
  func otherNames() throws {
    try names("the keys of layers begin with 'module.model.' (61 of them) and not with 'model.'") {
      "module.\($0)"
    }
    try names("and not with 'model.': state it by --prefix model.language_model.") {
      $0.replacing("model.", with: "model.language_model.")
    }
    try names("none of the 64 keys is one of layout hy_v3, ") {
      "h.\($0.replacing(".", with: "_"))"
    }
    try refusal("the experts are in native form 'automodel', ") { scratch in
      try convert("native", scratch["tiny"], scratch["native"])
      try scratch.remove("tiny")
      try FileManager.default.moveItem(atPath: scratch["native"], toPath: scratch["tiny"])
    }
  }

  @Test("Experts and layers that the config does not count, or that are not there")
  func counts() throws {
    func edit(_ old: String, _ new: String) -> (Scratch) throws -> Void {
      { scratch in
        // The other field that says which layers are dense.
        try scratch.replace("\"mlp_layer_types\"", by: "\"types\"", in: "tiny/config.json")
        try scratch.replace("\"\(old)", by: "\"\(new)", in: "tiny/config.json")
      }
    }
    let experts = "num_experts\": "
    try refusal(
      "the layers have 4 experts, and the config's num_experts says 3",
      edit("\(experts)4", "\(experts)3"))
    try refusal(
      "the layers have 4 experts, and the config's num_experts says 5",
      edit("\(experts)4", "\(experts)5"))
    try tensors("layer 2 has no experts") { name, tensor in
      name.contains("layers.2.mlp.experts.") ? nil : tensor
    }
    try tensors("each layer has experts 2-3 of 4 only, as a rank of expert parallelism") {
      name, tensor in
      name.contains(".experts.0.") || name.contains(".experts.1.") ? nil : tensor
    }
    let layers = "num_hidden_layers\": "
    try refusal(
      "there is layer 2, and the config's num_hidden_layers says 2",
      edit("\(layers)3", "\(layers)2"))
    let dense = "first_k_dense_replace\": "
    try refusal(
      "layer 1 has experts, and the config says that it is dense", edit("\(dense)1", "\(dense)2"))
    try refusal(
      "the prediction layer 3 of the config (num_nextn_predict_layers 1) is not there: --mtp drop",
      edit("\(experts)4", "num_nextn_predict_layers\": 1, \"\(experts)4"))
    try tensors("missing are model.layers.{1-2}.mlp.expert_bias (2)") { name, tensor in
      name.hasSuffix("mlp.expert_bias") ? nil : tensor
    }
  }

  @Test("Shapes that a trainer, a rank or a transposition made")
  func shapes() throws {
    try tensors(
      "the vocabulary has 24 rows, and the config's vocab_size says 16: a trainer padded it"
    ) {
      name, tensor in
      guard name == "model.embed_tokens.weight" || name == "lm_head.weight" else { return tensor }
      return try Tensor(tensor.dtype, [24, 8]) { UInt64($0) }
    }
    try tensors("64 of 64 tensors are empty: the save gathered nothing, as ZeRO-3") { _, tensor in
      try Tensor(tensor.dtype, [0]) { _ in 0 }
    }
    try tensors("24 tensors are transposed, 'model.layers.") { name, tensor in
      guard name.contains(".experts.") else { return tensor }
      return try Tensor(tensor.dtype, Shape(tensor.shape.extents.reversed())) { UInt64($0) }
    }
    try tensors("24 tensors are 1/2 of what the config says, as a rank of tensor parallelism") {
      name, tensor in
      guard name.contains(".experts.") else { return tensor }
      let axis = name.contains("down_proj") ? 1 : 0
      var extents = tensor.shape.extents
      extents[axis] /= 2
      return try Tensor(tensor.dtype, Shape(extents)) { UInt64($0) }
    }
  }
}

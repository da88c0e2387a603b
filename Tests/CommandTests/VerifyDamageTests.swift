// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Safetensors
import Tensors
import Testing

@Suite("hymt2 verify on damaged folders")
struct VerifyDamageTests {
  private static let index = "tiny/model.safetensors.index.json"
  private static let shard = "tiny/model-00002-of-00003.safetensors"

  /// Verifies a copy of the tiny checkpoint with some damage, in text and JSON.
  private func verify(_ damage: (Scratch) throws -> Void) throws -> Outcome {
    let scratch = try Scratch()
    let tiny = try scratch.tiny()
    try damage(scratch)
    let json = try Hymt2.run("verify", tiny, "--json")
    let text = try Hymt2.run("verify", tiny)
    #expect(json.output == "")
    #expect(json.status == text.status)
    #expect(json.errors == text.errors)
    return text
  }

  @Test("A missing expert tensor is named")
  func missingTensor() throws {
    let name = "model.layers.1.mlp.experts.2.up_proj.weight"
    let scratch = try Scratch()
    let folder = try CheckpointFolder(path: try scratch.tiny())
    let infos = folder.infos.filter { $0.name.text != name }
    let writer = try CheckpointFolderWriter(
      path: scratch["less"], plan: .greedy(infos, maxShardSize: .max))
    try writer.add(folder.config, named: CheckpointFolder.configFileName)
    for info in infos {
      let tensor = try #require(folder.tensor(named: info.name))
      try writer.write(tensor.bytes, of: info.name)
    }
    try writer.finish()
    try Hymt2.run("verify", scratch["less"]).expectFailure(
      naming: "1 problem in the state dict", "missing tensor: '\(name)'")
  }

  @Test("An expert too many is named, in every layer")
  func surplusExpert() throws {
    let outcome = try verify {
      try $0.replace("\"num_experts\": 4", by: "\"num_experts\": 3", in: "tiny/config.json")
    }
    outcome.expectFailure(
      naming: "the layers have 4 experts, and the config's num_experts says 3",
      "surplus expert: 'model.layers.1.mlp.experts.3.up_proj.weight'",
      "model.layers.{1-2}.mlp.experts.3.{down_proj,gate_proj,up_proj}.weight (6)")
  }

  @Test("An expert too few is named, in every layer")
  func missingExpert() throws {
    let outcome = try verify {
      try $0.replace("\"num_experts\": 4", by: "\"num_experts\": 5", in: "tiny/config.json")
    }
    outcome.expectFailure(
      naming: "the layers have 4 experts, and the config's num_experts says 5",
      "missing tensor: 'model.layers.1.mlp.experts.4.down_proj.weight'",
      "model.layers.{1-2}.mlp.experts.4.{")
  }

  @Test("A flipped bit anywhere in a shard's header is an error that names the file or a key")
  func headerBits() throws {
    let scratch = try Scratch()
    let tiny = try scratch.tiny()
    let original = try scratch.bytes(Self.shard)
    let header = try SafetensorsFile(path: scratch[Self.shard]).dataOffset
    // The length, the first brace, then what follows the free-form metadata.
    for position in [0, 3, 7, 8] + Array(stride(from: 60, to: header, by: 271)) {
      try scratch.edit(Self.shard) { $0[position] ^= 4 }
      try Hymt2.run("verify", tiny).expectFailure(naming: "model")
      try scratch.write(original, to: Self.shard)
    }
    try Hymt2.run("verify", tiny).expectSuccess()
  }

  @Test("Shards and index that disagree are told with the names of the files and tensors")
  func disagreements() throws {
    try verify { try $0.remove(Self.shard) }
      .expectFailure(naming: "'model-00002-of-00003.safetensors'", "missing")
    try verify { scratch in
      try scratch.replace(
        "\"model.norm.weight\": \"model-00003", by: "\"model.norm.weight\": \"model-00009",
        in: Self.index)
    }.expectFailure(naming: "'model-00009-of-00003.safetensors'")
    try verify { scratch in
      try scratch.replace(
        "\"model.norm.weight\": \"model-00003", by: "\"model.norm.weight\": \"model-00001",
        in: Self.index)
    }.expectFailure(naming: "model.safetensors.index.json", "'model.norm.weight'")
    try verify {
      try $0.replace("\"total_size\": 4480", by: "\"total_size\": 4481", in: Self.index)
    }
    .expectFailure(naming: "model.safetensors.index.json", "4480", "4481")
    try verify { try $0.replace("\"weight_map\"", by: "\"weight_mop\"", in: Self.index) }
      .expectFailure(naming: "model.safetensors.index.json", "weight_map")
    try verify { try $0.edit(Self.index) { $0.removeLast(40) } }
      .expectFailure(naming: "model.safetensors.index.json")
    try verify { try $0.write([1, 2, 3], to: "tiny/model-extra.safetensors") }
      .expectFailure(naming: "'model-extra.safetensors'")
  }

  @Test("Shards that are too short or too long are told with their names")
  func lengths() throws {
    for count in [0, 7, 8, 100, 4000] {
      try verify { try $0.edit(Self.shard) { $0.removeLast($0.count - count) } }
        .expectFailure(naming: "model-00002-of-00003.safetensors")
    }
    try verify { try $0.edit(Self.shard) { $0.removeLast(1) } }
      .expectFailure(naming: "model-00002-of-00003.safetensors")
    try verify { try $0.edit(Self.shard) { $0.append(0) } }
      .expectFailure(naming: "model-00002-of-00003.safetensors")
  }

  @Test("A config that is damaged or missing is told with the file")
  func config() throws {
    try verify { try $0.remove("tiny/config.json") }.expectFailure(naming: "'config.json'")
    try verify { try $0.edit("tiny/config.json") { $0.removeLast(3) } }
      .expectFailure(naming: "/tiny/config.json: ", "line ")
    try verify {
      try $0.replace("\"hidden_size\": 8", by: "\"hidden_size\": 9", in: "tiny/config.json")
    }
    .expectFailure(
      naming: "wrong shape: 'model.embed_tokens.weight': expected [16, 9], found [16, 8]")
  }
}

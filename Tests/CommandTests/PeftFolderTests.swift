// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Safetensors
import StrictJSON
import Tensors
import Testing

@Suite("Folders of PEFT's LoRA adapters")
struct PeftFolderTests {
  private static let (experts, rank, hidden, inter) = (5, 2, 8, 4)
  private static let start = "base_model.model.model.layers.1.mlp.experts."
  private static let file = CheckpointFolder.adapterFileName

  /// The folder of an adapter whose factors all experts share, as PEFT 0.18 writes them, and the config of its
  /// base model.
  private func adapter(
    _ scratch: Scratch, named file: String = Self.file
  ) throws -> (folder: String, config: String) {
    let fused = Self.experts * Self.rank
    let shapes: [(String, Shape)] = [
      ("base_layer.lora_A", [fused, 2 * Self.inter]), ("base_layer.lora_B", [Self.hidden, fused]),
      ("lora_A", [fused, Self.hidden]), ("lora_B", [Self.inter, fused]),
    ]
    let infos = shapes.map { TensorInfo(TensorName("\(Self.start)\($0).weight"), .f32, $1) }
    let writer = try CheckpointFolderWriter(
      path: scratch["lora"],
      plan: ShardPlan([.init(file, infos, metadata: ["format": "pt", "k": "v"])]))
    for (number, info) in infos.enumerated() {
      let tensor = try Tensor(.f32, info.shape) { UInt64(number * 1000 + $0) }
      try writer.write(tensor.bytes, of: info.name)
    }
    let config: JSONValue = [
      "peft_type": "LORA", "r": JSONValue(Self.rank), "lora_alpha": 4, "target_modules": [],
      "target_parameters": ["mlp.experts.gate_up_proj", "mlp.experts.down_proj"],
    ]
    try writer.add(config.bytes(.python), named: "adapter_config.json")
    if file != Self.file { try writer.add(Synthetic.config(), named: "config.json") }
    try writer.finish()
    try scratch.write(Synthetic.config(), to: "config.json")
    return (scratch["lora"], scratch["config.json"])
  }

  private func tensors(_ scratch: Scratch, _ file: String) throws -> StateDict {
    try SafetensorsFile(path: scratch[file]).stateDict
  }

  @Test("Fused factors become factors of single experts, element by element")
  func perExpert() throws {
    let scratch = try Scratch()
    let (folder, config) = try adapter(scratch)
    try convert("hf", folder, scratch["single"], "--config", config)
    #expect(try scratch.names(in: "single") == ["adapter_config.json", Self.file])
    let fused = try tensors(scratch, "lora/\(Self.file)")
    let single = try tensors(scratch, "single/\(Self.file)")
    #expect(single.count == 6 * Self.experts)
    func bits(_ name: String, _ index: Int) -> UInt64? {
      fused[TensorName("\(Self.start)\(name).weight")]?.bits(at: index)
    }
    let (experts, rank) = (Self.experts, Self.rank)
    for e in 0..<experts {
      for (part, stem, features, start) in [
        ("gate_proj", "base_layer.", Self.inter, 0),
        ("up_proj", "base_layer.", Self.inter, Self.inter), ("down_proj", "", Self.hidden, 0),
      ] {
        let a = try #require(single[TensorName("\(Self.start)\(e).\(part).lora_A.weight")])
        let b = try #require(single[TensorName("\(Self.start)\(e).\(part).lora_B.weight")])
        let columns = stem.isEmpty ? Self.inter : Self.hidden
        #expect(a.shape == [rank, columns])
        #expect(b.shape == [features, rank])
        let width = stem.isEmpty ? Self.hidden : 2 * Self.inter
        for k in 0..<rank {
          for f in 0..<features {
            #expect(
              b.bits(at: f * rank + k)
                == bits("\(stem)lora_A", (e * rank + k) * width + start + f))
          }
          for c in 0..<columns {
            #expect(
              a.bits(at: k * columns + c)
                == bits("\(stem)lora_B", (c * rank + k) * experts + e))
          }
        }
      }
    }
    let said = try JSONValue(parsing: scratch.bytes("single/adapter_config.json"))
    #expect(said["target_parameters"] == .null)
    #expect(said["target_modules"] == ["down_proj", "gate_proj", "up_proj"])
    #expect(said["r"] == 2)
  }

  @Test("The way by native form is the same, and factors of single experts come back")
  func byNativeForm() throws {
    let scratch = try Scratch()
    let (folder, config) = try adapter(scratch)
    try Hymt2.run("verify", folder, "--config", config).expectSuccess()
    try convert("hf", folder, scratch["single"], "--config", config)
    try convert("native", folder, scratch["native"], "--config", config)
    #expect(try scratch.names(in: "native") == ["adapter_config.json", Self.file])
    try convert("hf", scratch["native"], scratch["back"], "--config", config)
    #expect(try scratch.difference("single", "back") == nil)
    try convert("native", scratch["single"], scratch["again"], "--config", config)
    #expect(try scratch.bytes("again/\(Self.file)") == scratch.bytes("native/\(Self.file)"))
    try convert("hf", scratch["again"], scratch["return"], "--config", config)
    #expect(try scratch.difference("single", "return") == nil)
  }

  @Test("A renamed folder with the base model's config converts without another")
  func renamed() throws {
    let scratch = try Scratch()
    let (folder, config) = try adapter(scratch, named: "model.safetensors")
    try convert("native", folder, scratch["native"])
    try convert("hf", scratch["native"], scratch["back"])
    try scratch.remove("lora")
    let other = try adapter(scratch).folder
    try convert("hf", other, scratch["single"], "--config", config)
    let isSame =
      try tensors(scratch, "back/model.safetensors") == tensors(scratch, "single/\(Self.file)")
    #expect(isSame)
  }

  @Test("Without a config of the base model, it is asked for")
  func withoutConfig() throws {
    let scratch = try Scratch()
    let folder = try adapter(scratch).folder
    for command in [["verify", folder], ["convert", "--to", "native", folder, scratch["out"]]] {
      try Hymt2.start(command).wait().expectFailure(
        naming: "an adapter of PEFT, whose base model has it (--config)")
    }
  }
}

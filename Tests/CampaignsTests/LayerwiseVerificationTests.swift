// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import StrictJSON
import Tensors
import Testing

@testable import Campaigns

@Suite("A whole checkpoint under an adapter, layer by layer")
struct LayerwiseVerificationTests {
  /// Three layers, of which the last two have experts, and one MTP layer.
  private static func setup(_ mtpPolicy: MTPPolicy = .preserve) throws -> AdapterSetup {
    let json: JSONValue = [
      "model_type": "hy_v3", "vocab_size": 8, "hidden_size": 4, "intermediate_size": 6,
      "moe_intermediate_size": 2, "num_experts": 3, "num_shared_experts": 1,
      "num_hidden_layers": 3, "first_k_dense_replace": 1, "num_nextn_predict_layers": 1,
      "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 2, "dtype": "bfloat16",
    ]
    return AdapterSetup(
      try ModelConfig(json: json), AdapterOptions(mtpPolicy: mtpPolicy))
  }

  private static func run(
    _ adapter: any AdapterUnderTest, _ setup: AdapterSetup, threads: Int = 2
  ) throws -> LayerwiseVerification.Summary {
    let infos = AdapterPlanner(setup.config, setup.options).schema
    let verification = LayerwiseVerification(
      adapter, setup, infos,
      try LayerwiseVerification.Part.of(infos, setup.config.layout))
    return try verification.run(threads: threads) { try SyntheticTensor.make(infos[$0]) }
  }

  @Test("Each layer is a part, and so is what is outside of layers")
  func parts() throws {
    let config = try Self.setup().config
    let infos = AdapterPlanner(config, AdapterOptions()).schema
    let parts = try LayerwiseVerification.Part.of(infos, config.layout)
    #expect(
      parts.map(\.title) == ["outside of layers", "layer 0", "layer 1", "layer 2", "layer 3"])
    #expect(parts.flatMap(\.sources).sorted() == Array(infos.indices))
    let bytes = try infos.reduce(0) { try $0 + $1.shape.byteCount(of: $1.dtype) }
    #expect(parts.reduce(0) { $0 + $1.byteCount } == bytes)
    let outside = try #require(parts.first).sources.map { infos[$0].name.text }
    #expect(outside == ["model.embed_tokens.weight", "model.norm.weight", "lm_head.weight"])
  }

  @Test("The reference adapter agrees with itself, with and without MTP layers")
  func reference() throws {
    for policy in MTPPolicy.allCases {
      let summary = try Self.run(ReferenceAdapter(), Self.setup(policy))
      #expect(summary.partCount == 5)
      #expect(summary.loads == [] && summary.saves == [])
    }
  }

  @Test("What differs is told by the layer, the tensor and the element", arguments: [1, 3])
  func differing(threads: Int) throws {
    let adapter = EditingAdapter { name, tensor in
      guard name.text.contains("layers.2.mlp.experts.down_projs") else { return tensor }
      return try Tensor(tensor.dtype, tensor.shape) { tensor.bits(at: $0) ^ ($0 == 7 ? 1 : 0) }
    }
    let summary = try Self.run(adapter, Self.setup(), threads: threads)
    #expect(summary.saves == [])
    let found = try #require(summary.loads.first)
    #expect(summary.loads.count == 1 && found.part == "layer 2" && !found.isSaving)
    #expect(found.lines.first == "model.layers.2.mlp.experts.down_projs")
    #expect(found.lines.contains { $0.contains("1 of 24 elements") })
    #expect(found.lines.contains { $0.contains("[0, 1, 3]") })
    #expect(
      summary.findings.sentences == [
        "bit 0 of down_proj is flipped when loading for expert 0 in layer 2"
      ])
  }

  @Test("One mistake in all layers and both directions is one sentence of the diagnosis")
  func words() throws {
    // Loading and saving exchange the first two experts.
    let adapter = EditingAdapter(isSaving: true) { name, tensor in
      guard name.text.contains(".experts."), tensor.shape.rank == 3 else { return tensor }
      let size = tensor.shape.elementCount / tensor.shape[0]
      return try Tensor(tensor.dtype, tensor.shape) { place in
        tensor.bits(at: place < 2 * size ? (place + size) % (2 * size) : place)
      }
    }
    let summary = try Self.run(adapter, Self.setup())
    #expect(summary.loads.count == 3 && summary.saves.count == 3)
    #expect(
      summary.findings.sentences == [
        "experts are exchanged when loading and saving in every sparse layer: 0 and 1"
      ])
  }

  @Test("A refusal is a disagreement in the adapter's words, and other layers are still checked")
  func refusal() throws {
    struct Refusal: Error, CustomStringConvertible {
      let description = "no such layer"
    }
    let adapter = EditingAdapter { name, tensor in
      if name.text.contains("layers.1.") { throw Refusal() }
      return tensor
    }
    let summary = try Self.run(adapter, Self.setup())
    #expect(summary.partCount == 5)
    #expect(summary.loads.map(\.part) == ["layer 1"])
    #expect(summary.loads.first?.lines == ["refused: no such layer"])
    #expect(
      summary.findings.sentences == [
        "a valid checkpoint is refused when loading in layer 1: no such layer"
      ])
  }

  @Test("An adapter that cannot be made for a part has neither loaded nor saved it")
  func noSession() throws {
    struct Unmade: AdapterUnderTest {
      let name = "unmade"

      func session(for setup: AdapterSetup) throws -> any AdapterSession {
        throw CheckError.noLaws
      }
    }
    let summary = try Self.run(Unmade(), Self.setup())
    #expect(summary.loads.count == 5 && summary.loads.allSatisfy { !$0.isSaving })
    #expect(summary.saves.count == 5 && summary.saves.allSatisfy { $0.isSaving })
  }

  @Test("An error in reading a tensor ends the run")
  func unreadable() throws {
    let setup = try Self.setup()
    let infos = AdapterPlanner(setup.config, setup.options).schema
    let verification = LayerwiseVerification(
      ReferenceAdapter(), setup, infos,
      try LayerwiseVerification.Part.of(infos, setup.config.layout))
    #expect(throws: CancellationError.self) {
      try verification.run(threads: 2) { position in
        if position == 5 { throw CancellationError() }
        return try SyntheticTensor.make(infos[position])
      }
    }
  }
}

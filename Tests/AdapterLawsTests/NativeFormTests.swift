// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import PropertyEngine
import Tensors
import Testing

@testable import AdapterLaws

/// An adapter that is right for another table, with the same tensors on disk.
private struct OtherTable: AdapterUnderTest {
  let name = "other table"
  let layout: Layout

  func session(for setup: AdapterSetup) throws -> any AdapterSession {
    let config = try ModelConfig(json: setup.config.json, layout: layout)
    return ReferenceAdapter().session(for: AdapterSetup(config, setup.options))
  }
}

@Suite("Other shapes, forced types and exchanged halves in native form")
struct NativeFormTests {
  private static let text = """
    models: [tiny]
    sizes: {H: hidden_size, I: inner_size, E: num_experts}
    layers: {count: num_hidden_layers}
    prefix: [model.]
    tensors:
      model.embed.weight: {shape: [H], role: embedding}
      model.layers.{L}:
        router.weight: {shape: [E, H], role: router}
        router.bias: {shape: [1, E], native shape: [E], role: router bias, automodel: gate.bias}
        state: {shape: [H], cast: F32, automodel: holder.state}
        kept: {shape: [I], cast: F32}
        joined: {shape: [H + 2 * I, H], automodel: {own.q: H, "own.{k,v}": I}}
        decay: {shape: [H + 3], crop: H, automodel: holder.decay}
        experts.{e}:
          both.weight: {shape: [j: 2 * I, H], part: gate and up,
            automodel: "experts.fused[e, h, (I + j) % (2 * I)]"}
          down.weight: {shape: [H, I], part: down, automodel: "experts.down[e, i, h]"}
    """

  private static func layout(_ old: String = "", _ new: String = "") throws -> Layout {
    try Layout(
      text: old.isEmpty ? text : text.replacing(old, with: new), name: "tiny")
  }

  private static func onDisk() throws -> (StateDictAdapter, StateDict) {
    let config = try ModelConfig(
      layout(), sizes: ["H": 2, "I": 3, "E": 2], layerKinds: [.sparse])
    let spec = CheckpointSpec(
      AdapterSetup(config, AdapterOptions()), contents: TensorContents(.tracer(digit: 0)))
    return (StateDictAdapter(config: config), try Checkpoint(spec).stateDict())
  }

  @Test("Each element is where a formula written by hand has it, and comes back")
  func elements() throws {
    let (adapter, onDisk) = try Self.onDisk()
    let native = try adapter.fromHF(onDisk)
    let fused = try #require(native["model.layers.0.experts.fused"])
    #expect(fused.shape == [2, 2, 6])
    for e in 0..<2 {
      let both = try #require(onDisk["model.layers.0.experts.\(e).both.weight"])
      for h in 0..<2 {
        for j in 0..<6 {
          let row = j < 3 ? j + 3 : j - 3
          #expect(fused.bits(at: (e * 2 + h) * 6 + j) == both.bits(at: row * 2 + h))
        }
      }
    }
    let bias = try #require(native["model.layers.0.gate.bias"])
    #expect(bias.shape == [2])
    #expect(bias.bits(at: 1) == onDisk["model.layers.0.router.bias"]?.bits(at: 1))
    for (name, source) in [("holder.state", "state"), ("kept", "kept")] {
      let state = try #require(native[TensorName("model.layers.0.\(name)")])
      #expect(state.dtype == .f32)
      // A bfloat16 is the upper half of the float32 of its value.
      let bits = try #require(onDisk[TensorName("model.layers.0.\(source)")]?.bits(at: 1))
      #expect(state.bits(at: 1) == bits << 16)
    }
    let joined = try #require(onDisk["model.layers.0.joined"])
    for (name, start, rows) in [("q", 0, 2), ("k", 2, 3), ("v", 5, 3)] {
      let piece = try #require(native[TensorName("model.layers.0.own.\(name)")])
      #expect(piece.shape == [rows, 2])
      for element in 0..<2 * rows {
        #expect(piece.bits(at: element) == joined.bits(at: 2 * start + element))
      }
    }
    let saved = try adapter.toHF(native)
    #expect(saved.names.last == "model.layers.0.joined" && saved["model.layers.0.joined"] == joined)
    let decay = try #require(onDisk["model.layers.0.decay"])
    let cropped = try #require(native["model.layers.0.holder.decay"])
    #expect(cropped.shape == [2])
    #expect((0..<2).allSatisfy { cropped.bits(at: $0) == decay.bits(at: $0) })
    #expect((0..<5).map { decay.bits(at: $0) == 0 } == [false, false, true, true, true])
    #expect(saved["model.layers.0.decay"] == decay)
    #expect(saved["model.layers.0.router.bias"] == onDisk["model.layers.0.router.bias"])
    #expect(
      saved["model.layers.0.experts.1.both.weight"]
        == onDisk["model.layers.0.experts.1.both.weight"])
    #expect(saved["model.layers.0.state"]?.dtype == .f32)
  }

  @Test(
    "An adapter that leaves one of them out breaks a law",
    arguments: [
      ("native shape: [E], ", "", "shapes"), ("cast: F32, automodel", "automodel", "types"),
      ("[I], cast: F32}", "[I]}", "types"), ("own.q: H, ", "own.k2: H, ", "keys"),
      ("own.q: H, \"own.{k,v}\": I", "\"own.{k,v}\": I, own.q: H", "elements"),
      ("[I], cast: F32}", "[I]}", "types"), ("crop: H, ", "", "shapes"),
      ("(I + j) % (2 * I)", "j", "elements"),
    ])
  func noticed(old: String, new: String, law: String) throws {
    let layout = try Self.layout()
    let adapter = OtherTable(layout: try Self.layout(old, new))
    let space = CheckpointSpace(layout: layout, faultKinds: 0)
    let asked = try #require(Laws.all(for: layout).first { $0.name == law })
    let isBroken = (0..<20).contains { number in
      guard let (spec, _) = Generator.checkpoints(space).numbered(UInt64(number), seed: 1) else {
        return false
      }
      if case .broken = asked.verdict(on: CheckpointUnderTest(spec, adapter)) { return true }
      return false
    }
    #expect(isBroken)
  }

  @Test("A piece that is missing, of another type or of other rows is refused, and says which")
  func pieces() throws {
    let (adapter, onDisk) = try Self.onDisk()
    let native = try adapter.fromHF(onDisk)
    let key: TensorName = "model.layers.0.own.k"
    let others = native.filter { $0 != key }
    for (piece, code) in [
      (nil, Problem.Code.missingTensor), (try Tensor(.f32, [3, 2]) { _ in 0 }, .wrongDType),
      (try Tensor(.bf16, [2, 2]) { _ in 0 }, .wrongShape),
    ] {
      var changed = others
      if let piece { try changed.insert(piece, named: key) }
      let error = try #require(throws: AdapterError.self) { try adapter.toHF(changed) }
      #expect(error.problems.contains { $0.code == code && $0.subject == key }, "\(error)")
    }
  }

  @Test(
    "Where all is cast, every tensor takes the target type, or what the table puts in its place")
  func castAll() throws {
    let layout = try Self.layout("models: [tiny]", "models: [tiny]\ncast all: {F32: BF16}")
    let config = try ModelConfig(layout, sizes: ["H": 2, "I": 3, "E": 2], layerKinds: [.sparse])
    for (asked, given) in [(DType.f32, DType.bf16), (.f16, .f16)] {
      let setup = AdapterSetup(config, AdapterOptions(targetDType: asked))
      let onDisk = try Checkpoint(
        CheckpointSpec(setup, contents: TensorContents(.tracer(digit: 0)))
      ).stateDict()
      let native = try StateDictAdapter(config: config, options: setup.options).fromHF(onDisk)
      #expect(native.allSatisfy { $0.tensor.dtype == given })
    }
  }

  @Test("Rows that no move writes are zeros of padding, or a gap")
  func padding() throws {
    let config = try ModelConfig(
      Self.layout(), sizes: ["H": 2, "I": 3, "E": 2], layerKinds: [.sparse])
    let planner = AdapterPlanner(config)
    let forward = try planner.fromHF(planner.schema)
    var backward = try planner.toHF(forward.destinations)
    #expect(PlanProof(forward: forward, backward: backward, config: config).holds)
    backward.padded = []
    let proof = PlanProof(forward: forward, backward: backward, config: config)
    #expect(proof.faults.map(\.kind) == [.neverWritten])
  }

  @Test("Padding on disk that is not zero is refused, and the error says where")
  func paddingNotZero() throws {
    let (adapter, onDisk) = try Self.onDisk()
    let key: TensorName = "model.layers.0.decay"
    let wrong = try StateDict(
      onDisk.map { name, tensor in
        guard name == key else { return (name, tensor) }
        return (name, try Tensor(tensor.dtype, tensor.shape) { $0 == 3 ? 1 : tensor.bits(at: $0) })
      })
    let error = try #require(throws: AdapterError.self) { try adapter.fromHF(wrong) }
    #expect(error.problems.map(\.code) == [.paddingNotZero])
    #expect(error.problems.first?.subject == key)
    #expect(error.problems.first?.found == "other bits at element 3", "\(error)")
  }

  @Test("A plan that does not exchange the halves is not proven")
  func proof() throws {
    let sizes = ["H": 2, "I": 3, "E": 2]
    let right = try ModelConfig(Self.layout(), sizes: sizes, layerKinds: [.sparse])
    let wrong = try ModelConfig(
      Self.layout("(I + j) % (2 * I)", "j"), sizes: sizes, layerKinds: [.sparse])
    for (config, faults) in [(right, 0), (wrong, 2)] {
      let planner = AdapterPlanner(config)
      let forward = try planner.fromHF(planner.schema)
      let proof = PlanProof(
        forward: forward, backward: try planner.toHF(forward.destinations), config: right)
      #expect(proof.faults.map(\.kind) == Array(repeating: .misplaced, count: faults))
    }
  }
}

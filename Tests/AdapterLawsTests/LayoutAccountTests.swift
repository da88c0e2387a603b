// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import PropertyEngine
import Tensors
import Testing

@testable import AdapterLaws

@Suite("What became of each tensor is told with every layout")
struct LayoutAccountTests {
  private static let names = Layout.knownNames
  /// Those whose experts have another form natively.
  private static let moving = names.filter { $0 != "hy_v4" }

  private func losses(
    _ input: StateDict, _ result: StateDict, _ side: CheckpointFaultKind.Side,
    _ spec: CheckpointSpec
  ) -> [TensorLoss] {
    LossAudit(of: input, in: result, side, spec).losses
  }

  @Test("Nothing is lost in right conversions, of one process or of a rank", arguments: names)
  func right(name: String) throws {
    let layout = try Layout.named(name)
    let factors: [LoRASpec?] =
      layout.lora.isEmpty ? [nil] : [nil] + LoRASpec.Layout.allCases.map { LoRASpec($0, rank: 2) }
    for lora in factors {
      for rank in [nil, try ExpertParallelism(rank: 1, size: 2)] {
        for target in [DType.bf16, .f16] {
          var spec = try LayoutSample.spec(name, target: target, mtp: 0, sparse: 2)
          (spec.lora, spec.parallelism) = (lora, rank)
          let oracle = LayoutOracle(spec)
          let onDisk = try LayoutSample.onDisk(spec)
          let native = oracle.native(of: onDisk, rank)
          #expect(losses(onDisk, native, .onDisk, spec).map(\.name) == [])
          let saved = oracle.onDisk(of: native, rank)
          #expect(losses(native, saved, .native, spec).map(\.name) == [])
        }
      }
    }
  }

  @Test("A group left out is lost with all of its parts", arguments: moving)
  func groupLost(name: String) throws {
    let spec = try LayoutSample.spec(name)
    let onDisk = try LayoutSample.onDisk(spec)
    let start = LayoutSample.start(spec)
    let nativeStart = spec.config.layout.toNative(start)
    let native = LayoutOracle(spec).native(of: onDisk)
    let group = try #require(
      native.names.first {
        $0.text.hasPrefix(nativeStart) && $0.text.hasSuffix("gate_and_up_projs")
      })
    let found = losses(onDisk, native.filter { $0 != group }, .onDisk, spec)
    let layout = spec.config.layout
    let parts = onDisk.names.filter { name in
      let rule = LenientKey(name, layout).tensor.map { layout.tensors[$0] }
      return name.text.hasPrefix(start) && rule.map { $0.part != nil && $0.part != .down } ?? false
        && !name.text.hasSuffix("bias")
    }
    #expect(Set(found.map(\.name)) == Set(parts))
    #expect(found.allSatisfy { $0.fate == .lost })
  }

  @Test("An element that changes in a group is of the part that stands there", arguments: moving)
  func elementChanged(name: String) throws {
    let spec = try LayoutSample.spec(name)
    let onDisk = try LayoutSample.onDisk(spec)
    let start = spec.config.layout.toNative(LayoutSample.start(spec))
    let native = LayoutOracle(spec).native(of: onDisk)
    let wrong = try StateDict(
      native.map { name, tensor in
        guard name.text.hasPrefix(start), name.text.hasSuffix("gate_and_up_projs") else {
          return (name, tensor)
        }
        let last = tensor.shape.elementCount - 1
        return (
          name,
          try Tensor(tensor.dtype, tensor.shape) { tensor.bits(at: $0) ^ ($0 == last ? 1 : 0) }
        )
      })
    let found = losses(onDisk, wrong, .onDisk, spec)
    #expect(found.map(\.fate) == [.changed])
    let layout = spec.config.layout
    let key = LenientKey(try #require(found.first?.name), layout)
    let part = try #require(key.tensor.flatMap { layout.tensors[$0].part })
    let isJoined = layout.tensors.contains { $0.part == .gateAndUp }
    #expect(part == (isJoined ? .gateAndUp : .up))
    #expect(key.expert == (layout.tensors.contains { $0.name.hasExpert } ? 2 : nil))
  }

  @Test(
    "A rank that loads what a file with too few experts has of its own loses nothing",
    arguments: names)
  func tooFew(name: String) throws {
    var spec = try LayoutSample.spec(name, experts: 4)
    spec.parallelism = try ExpertParallelism(rank: 1, size: 2)
    let few = try LayoutSample.spec(name, experts: 3)
    let onDisk = try LayoutSample.onDisk(few)
    // The third expert, which is the first of the second rank of two.
    let native = LayoutOracle(few).native(of: onDisk, try ExpertParallelism(rank: 2, size: 3))
    #expect(losses(onDisk, native, .onDisk, spec).map(\.name) == [])
  }

  @Test("Experts of a wrong shape that are passed on as they are, are there")
  func wrongShape() throws {
    let spec = try LayoutSample.spec("qwen3_vl_moe")
    let start = LayoutSample.start(spec)
    let flat = try #require(try LayoutSample.onDisk(spec)["lm_head.weight"])
    let input = try StateDict([(TensorName(start + "mlp.experts.down_proj"), flat)])
    let native = try StateDict([(TensorName(start + "mlp.experts.down_projs"), flat)])
    #expect(losses(input, native, .onDisk, spec).map(\.name) == [])
  }

  @Test("A part that is not saved is missed", arguments: moving)
  func partLost(name: String) throws {
    let spec = try LayoutSample.spec(name)
    let start = LayoutSample.start(spec)
    let oracle = LayoutOracle(spec)
    let native = oracle.native(of: try LayoutSample.onDisk(spec))
    let layout = spec.config.layout
    let saved = oracle.onDisk(of: native).filter { name in
      let key = LenientKey(name, layout)
      return !name.text.hasPrefix(start) || key.expert ?? 0 > 0
        || key.tensor.map { layout.tensors[$0].part != .down } ?? true
    }
    let found = losses(native, saved, .native, spec)
    let isNumbered = layout.tensors.contains { $0.name.hasExpert }
    #expect(found.allSatisfy { $0.fate == .lost && $0.isOfSomeExperts == isNumbered })
    #expect(found.contains { $0.name.text.hasSuffix("down_projs") })
  }

  @Test(
    "Invalid input that passes through is there, and lost where nothing comes out", arguments: names
  )
  func invalid(name: String) throws {
    let space = CheckpointSpace(
      layout: try Layout.named(name), faultKinds: CheckpointFaultCatalogue.all.count)
    let generator = Generator.checkpoints(space)
    var count = 0
    for number in 0..<60 {
      guard var spec = generator.numbered(UInt64(number), seed: 3)?.value else { continue }
      let faulty = FaultyCheckpoint(spec)
      guard !faulty.faults.isEmpty else { continue }
      count += 1
      spec.setup = faulty.setup
      let input = try faulty.stateDict()
      #expect(losses(input, input, faulty.side, spec).map(\.name) == [], "\(faulty.faults)")
      let lost = losses(input, StateDict(), faulty.side, spec)
      #expect(lost.allSatisfy { $0.fate == .lost }, "\(faulty.faults)")
    }
    #expect(count > 10)
  }
}

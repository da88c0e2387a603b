// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import PropertyEngine
import Synchronization
import Tensors
import Testing

@Suite("Adapters that answer with garbage")
struct GarbageTests {
  @Test(
    "No law and no diagnosis stops at garbage",
    arguments: [InvalidInputContract.refuses, .losesNothing])
  func garbage(contract: InvalidInputContract) {
    let broken = Mutex<Set<String>>([])
    let property = Property(Generator<CheckpointSpec>.checkpoints()) { spec, _ in
      let adapter = GarbageAdapter(seed: spec.variation, invalidInputContract: contract)
      let trial = CheckpointUnderTest(spec, adapter)
      var violations: [Violation] = []
      for law in Laws.all {
        guard case .broken(let violation) = law.verdict(on: trial) else { continue }
        broken.withLock { _ = $0.insert(law.name) }
        violations.append(violation)
      }
      if spec.variation % 4 == 0, let violation = violations.last {
        let sentences = Diagnosis.of(violation, spec, adapter).sentences
        guard 1...5 ~= sentences.count else { return .fail(FailureKey(law: "count"), "") }
      }
      return .pass
    }
    let report = property.run(Settings(examples: 25, seed: 7))
    #expect(report.counterexamples.map(\.message) == [])
    #expect(broken.withLock { $0.count } > 20)
  }

  @Test("No invalid input makes an account stop at garbage")
  func invalidInput() throws {
    let law = try #require(Laws.named("invalid-input"))
    var places: Set<String> = []
    let specs = try FaultSpecs.all().filter {
      ["plain", "mtp kept", "rank 1 of 2", "perExpert LoRA only"].contains($0.name)
    }
    for (index, kind) in CheckpointFaultCatalogue.all.enumerated() {
      let adapter = GarbageAdapter(seed: UInt64(index), invalidInputContract: .losesNothing)
      for var (_, spec) in specs {
        spec.faults = [CheckpointFault(kind: index, site: 0)]
        guard FaultyCheckpoint(spec).faults == [kind.name],
          case .broken(let violation) = law.verdict(on: CheckpointUnderTest(spec, adapter))
        else { continue }
        places.insert(violation.place)
        #expect(!Diagnosis.of(violation, spec, adapter).sentences.isEmpty)
        break
      }
    }
    #expect(places.isSuperset(of: ["lost", "changed"]))
  }
}

/// Answers with tensors under names of the layout, some damaged, with any type, shape and elements.
private struct GarbageAdapter: AdapterUnderTest {
  let name = "garbage"
  let seed: UInt64
  let invalidInputContract: InvalidInputContract

  func session(for setup: AdapterSetup) -> any AdapterSession {
    Session(inner: ReferenceAdapter().session(for: setup), seed: seed)
  }

  private final class Session: AdapterSession {
    private let inner: any AdapterSession
    private let state: Mutex<UInt64>

    init(inner: any AdapterSession, seed: UInt64) {
      self.inner = inner
      state = Mutex(seed)
    }

    private func next() -> UInt64 {
      state.withLock {
        $0 &+= 0x9e37_79b9_7f4a_7c15
        var word = $0
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
      }
    }

    private func pick<Element>(_ elements: [Element]) -> Element {
      elements[Int(next() % UInt64(elements.count))]
    }

    private func damaged(_ name: TensorName) -> TensorName {
      let text = name.text
      switch next() % 12 {
      case 0: return TensorName(text.replacing("experts.", with: "experts.9223372036854775807."))
      case 1: return TensorName(text.replacing("layers.", with: "layers.-1."))
      case 2: return TensorName(text.replacing("layers.1", with: "layers.99999999999999999999"))
      case 3: return TensorName(text.replacing("experts.0", with: "experts.77"))
      case 4: return TensorName("")
      case 5: return TensorName("layers.")
      case 6: return TensorName(text.replacing("mlp.experts.", with: "mlp.experts.-3."))
      default: return name
      }
    }

    private func damaged(_ tensor: Tensor) throws -> Tensor {
      let extents: [Int]
      switch next() % 14 {
      case 0: extents = []
      case 1: extents = [0]
      case 2: extents = [.max, 0]
      case 3: extents = [1 << 62, 0, 3]
      case 4: extents = [3, 0, .max]
      case 5: extents = [1, 1, 1, 1, 1]
      case 6: extents = [7, 3, 5]
      case 7: extents = [0, 4, 5]
      case 8: extents = tensor.shape.extents.reversed()
      default: extents = tensor.shape.extents
      }
      let dtype = next() % 4 == 0 ? pick(DType.allCases) : tensor.dtype
      if dtype == tensor.dtype, extents == tensor.shape.extents, next() % 3 > 0 { return tensor }
      let word = next()
      return try Tensor(dtype, Shape(extents)) { word &* UInt64($0 + 1) }
    }

    private func garbage(_ input: StateDict, _ right: StateDict?) throws -> StateDict {
      if next() % 16 == 0 { return StateDict() }
      if next() % 16 == 0 { throw next() % 2 == 0 ? Misbehaviour(.garbage, "no frame") : Other() }
      let source = right.map { next() % 4 > 0 ? $0 : input } ?? input
      var result = StateDict()
      for (name, tensor) in source where next() % 8 > 0 {
        let name = damaged(name)
        if result[name] == nil { try result.insert(try damaged(tensor), named: name) }
      }
      return result
    }

    private struct Other: Error {}

    func fromHF(_ onDisk: StateDict, _ parallelism: ExpertParallelism?) throws -> StateDict {
      try garbage(onDisk, try? inner.fromHF(onDisk, parallelism))
    }

    func toHF(
      _ native: StateDict, excluding: String, _ parallelism: ExpertParallelism?
    ) throws -> StateDict {
      try garbage(native, try? inner.toHF(native, excluding: excluding, parallelism))
    }

    func convertSingleTensorToHF(
      _ name: TensorName, _ tensor: Tensor, excluding: String, _ parallelism: ExpertParallelism?
    ) throws -> [(name: TensorName, tensor: Tensor)] {
      let one = Array(try garbage(StateDict([(name, tensor)]), nil))
      return next() % 4 == 0 ? one + one : one
    }

    func isMTPKey(_ name: TensorName) -> Bool { next() % 8 == 0 }

    func areMTPKeys(_ names: [TensorName]) -> [Bool] {
      (0..<Int(next() % 3) * names.count).map { _ in next() % 8 == 0 }
    }

    var changedInputs: [TensorName] { next() % 8 == 0 ? [""] : [] }
  }
}

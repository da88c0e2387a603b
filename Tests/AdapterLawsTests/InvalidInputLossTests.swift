// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import PlantedFaults
import PropertyEngine
import Synchronization
import Tensors
import Testing

@Suite("What outside adapters lose of invalid input")
struct InvalidInputLossTests {
  private static let catalogue = CheckpointFaultCatalogue.all

  private let law: AdapterLaw
  private let specs: [(name: String, spec: CheckpointSpec)]

  init() throws {
    law = try #require(Laws.named("invalid-input"))
    specs = try FaultSpecs.all()
  }

  private func judged(
    _ spec: CheckpointSpec, _ adapter: any AdapterUnderTest
  ) -> Violation? {
    if case .broken(let violation) = law.verdict(on: CheckpointUnderTest(spec, adapter)) {
      return violation
    }
    return nil
  }

  /// The first spec, or the one of a name, in which faults find a place.
  private func spec(
    _ faults: String..., in name: String = "plain", site: UInt64 = 0
  ) throws -> CheckpointSpec {
    var spec = try #require(specs.first { $0.name == name }).spec
    spec.faults = try faults.map { fault in
      CheckpointFault(kind: try #require(CheckpointFaultCatalogue.position(of: fault)), site: site)
    }
    #expect(FaultyCheckpoint(spec).faults == faults)
    return spec
  }

  /// Each kind in the first two specs that have a place for it.
  private static func everyKind(
    in specs: [(name: String, spec: CheckpointSpec)]
  ) -> [(kind: String, name: String, spec: CheckpointSpec)] {
    let sides = [CheckpointFaultKind.Side.onDisk, .native].map { side in
      specs.map { FaultyCheckpoint(valid: $0.spec, side: side) }
    }
    var result: [(kind: String, name: String, spec: CheckpointSpec)] = []
    for (position, kind) in catalogue.enumerated() {
      var places = 0
      for (entry, valid) in zip(specs, sides[kind.side == .onDisk ? 0 : 1]) where places < 2 {
        var faulty = valid
        guard kind.apply(to: &faulty, site: UInt64(places) * 7) else { continue }
        var spec = entry.spec
        spec.faults = [CheckpointFault(kind: position, site: UInt64(places) * 7)]
        result.append((kind.name, entry.name, spec))
        places += 1
      }
    }
    return result
  }

  @Test("Of every kind, giving nothing is found, and passing through what is strange is right")
  func everyKind() {
    var kinds: Set<String> = []
    for (kind, name, spec) in Self.everyKind(in: specs) {
      kinds.insert(kind)
      let isEmpty = ["empty", "native-empty"].contains(kind)
      let lost = judged(spec, LossyAdapter(.dropsAll))?.place
      #expect(lost == (isEmpty ? nil : "lost"), "\(kind) on '\(name)'")
      let passed = judged(spec, LossyAdapter())?.summary
      #expect(passed == nil, "\(kind) on '\(name)'")
    }
    #expect(kinds.count == Self.catalogue.count)
  }

  @Test("Whatever generated checkpoint is made invalid, passing through is right")
  func generated() {
    let property = Property(Generator<CheckpointSpec>.checkpoints()) { [law] spec, context in
      context.label("invalid", if: !FaultyCheckpoint(spec).faults.isEmpty)
      guard case .broken(let violation) = law.verdict(on: CheckpointUnderTest(spec, LossyAdapter()))
      else {
        return .pass
      }
      return .fail(FailureKey(law: violation.kind, place: violation.place), violation.summary)
    }
    let report = property.run(Settings(examples: 200, seed: 3))
    #expect(report.counterexamples.map(\.message) == [])
    #expect((report.labels.first?.count ?? 0) > 20, "too few examples are invalid")
  }

  /// One way to lose data, on an input that shows it.
  struct Case: CustomTestStringConvertible {
    let way: LossyAdapter.Way
    let fault: String
    var spec = "plain"
    var site: UInt64 = 0
    let place: String

    var testDescription: String { "\(way) on \(fault)" }
  }

  static let cases: [Case] = [
    Case(way: .dropsSurplusExperts, fault: "surplus-expert", place: "lost"),
    Case(way: .dropsInverseScales, fault: "scale-without-weight", site: 9, place: "lost"),
    Case(way: .letsLastWin, fault: "native-router-beside", place: "overwritten"),
    Case(way: .letsLastWin, fault: "disk-router-in-native-form", place: "overwritten"),
    Case(way: .letsLastWin, fault: "grouped-beside-experts", place: "overwritten"),
    Case(
      way: .letsLastWin, fault: "differing-a-factors", spec: "perExpert LoRA only",
      place: "overwritten"),
    Case(way: .dropsIncompleteGroups, fault: "missing-projection", place: "lost"),
    Case(
      way: .dropsIncompleteGroups, fault: "missing-factor", spec: "perExpert LoRA only",
      place: "lost"),
    Case(way: .reshapes, fault: "transposed-projection", place: "changed"),
    Case(way: .reshapes, fault: "flattened-projection", place: "changed"),
    Case(way: .reshapes, fault: "missing-row", place: "changed"),
    Case(way: .dropsLayersFromHidden, fault: "surplus-layer", place: "lost"),
    Case(
      way: .dropsLayersFromHidden, fault: "config-layer-short", spec: "sparse only", place: "lost"),
    Case(way: .broadcasts, fault: "scalar-projection", place: "changed"),
    Case(way: .truncatesOddHalves, fault: "grouped-wide", place: "changed"),
    Case(way: .inventsZeros, fault: "missing-expert", site: 1, place: "invented"),
    Case(way: .inventsZeros, fault: "missing-projection", place: "invented"),
    Case(way: .inventsZeros, fault: "grouped-expert-short", place: "invented"),
    Case(way: .dropsSurplusSlots, fault: "grouped-expert-surplus", place: "lost"),
    Case(way: .castsIntegers, fault: "integer-expert", place: "changed"),
    Case(
      way: .renumbers, fault: "renumbered-expert-of-lora", spec: "perExpert LoRA only",
      place: "changed"),
  ]

  @Test("A loss is found, and what became of the tensors", arguments: cases)
  func ways(_ example: Case) throws {
    let spec = try self.spec(example.fault, in: example.spec, site: example.site)
    let violation = try #require(judged(spec, LossyAdapter(example.way)))
    #expect(violation.kind == example.fault)
    #expect(violation.place == example.place)
  }

  @Test("Of two faults the one is named whose tensors are lost")
  func attribution() throws {
    let spec = try self.spec("missing-head", "surplus-expert")
    let found = judged(spec, LossyAdapter(.dropsSurplusExperts))
    #expect(found?.kind == "surplus-expert")
    #expect(
      found?.summary
        == "accepted a checkpoint whose layer 1 has an expert 3 of 3, and lost "
        + "'model.layers.1.mlp.experts.3.gate_proj.weight' and 2 more without a word")
    let both = judged(spec, LossyAdapter(.dropsAll))
    #expect(both?.place == "lost")
  }

  @Test("What a valid checkpoint loses, too, is no fault's")
  func anyFault() throws {
    let adapter = LossyAdapter(.dropsHead)
    for fault in ["surplus-expert", "missing-router", "wrong-norm"] {
      let spec = try self.spec(fault)
      let found = try #require(judged(spec, adapter))
      #expect(found.kind == "any fault")
      #expect(found.place == "lost")
      #expect(found.summary.contains("lost 'lm_head.weight'"))
    }
  }

  @Test("The reference adapter loses nothing, since it refuses")
  func reference() throws {
    let adapter = FaultyAdapter(invalidInputContract: .losesNothing)
    for fault in ["surplus-expert", "missing-router", "grouped-wide"] {
      #expect(judged(try self.spec(fault), adapter) == nil)
    }
  }

  @Test("No answer is no refusal, and its account is the diagnosis")
  func misbehaviour() throws {
    for contract in [InvalidInputContract.refuses, .losesNothing] {
      let crash = Misbehaviour(.crashed, "the process ended with signal 11")
      let adapter = FaultyAdapter(
        fromHF: { session, input, call in
          if input.names.contains(where: { $0.contains("experts.3.") }) { throw crash }
          return try session.fromHF(input, call.rank)
        }, invalidInputContract: contract)
      let spec = try self.spec("surplus-expert")
      let found = try #require(judged(spec, adapter))
      #expect(found.kind == "crashed")
      #expect(found.misbehaviour == crash)
      let unused = FaultyAdapter(setup: { setup in
        Issue.record("the adapter is run")
        return setup
      })
      let diagnosis = Diagnosis.of(found, spec, unused)
      #expect(diagnosis.sentences == ["crashed: the process ended with signal 11"])
      #expect(diagnosis.codes == [.init(.misbehaved(.crashed), .fromHF)])
    }
  }

  @Test("An adapter that is another one after invalid input breaks the law")
  func state() throws {
    for contract in [InvalidInputContract.refuses, .losesNothing] {
      let found = judged(
        try self.spec("surplus-expert"), StainedAdapter(invalidInputContract: contract))
      #expect(found?.kind == "surplus-expert")
      #expect(found?.place == "state")
    }
  }
}

/// Loses the head once it has refused anything.
private struct StainedAdapter: AdapterUnderTest {
  let name = "stained"
  let invalidInputContract: InvalidInputContract

  func session(for setup: AdapterSetup) -> any AdapterSession {
    Session(inner: ReferenceAdapter().session(for: setup))
  }

  private final class Session: AdapterSession {
    private let inner: any AdapterSession
    private let isStained = Mutex(false)

    init(inner: any AdapterSession) {
      self.inner = inner
    }

    func fromHF(_ onDisk: StateDict, _ parallelism: ExpertParallelism?) throws -> StateDict {
      do {
        let result = try inner.fromHF(onDisk, parallelism)
        return isStained.withLock { $0 } ? result.filter { $0 != "lm_head.weight" } : result
      } catch {
        isStained.withLock { $0 = true }
        throw error
      }
    }

    func toHF(
      _ native: StateDict, excluding: String, _ parallelism: ExpertParallelism?
    ) throws -> StateDict {
      try inner.toHF(native, excluding: excluding, parallelism)
    }

    func convertSingleTensorToHF(
      _ name: TensorName, _ tensor: Tensor, excluding: String, _ parallelism: ExpertParallelism?
    ) throws -> [(name: TensorName, tensor: Tensor)] {
      try inner.convertSingleTensorToHF(name, tensor, excluding: excluding, parallelism)
    }

    func isMTPKey(_ name: TensorName) throws -> Bool { try inner.isMTPKey(name) }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import PropertyEngine
import Tensors
import Testing

@Suite("The law about invalid input")
struct InvalidInputLawsTests {
  /// The specs that pairs of faults are made in.
  private static let paired: Set = [
    "mtp kept", "rank 1 of 2", "groups", "experts only", "perExpert LoRA only",
    "paramWrapper LoRA only", "legacyParamWrapper LoRA beside weights",
  ]
  private static let catalogue = CheckpointFaultCatalogue.all

  private let law: AdapterLaw
  private let specs: [(name: String, spec: CheckpointSpec)]

  init() throws {
    law = try #require(Laws.named("invalid-input"))
    specs = try FaultSpecs.all()
  }

  /// How an adapter breaks the law on a spec with faults, or nil.
  private func violation(
    _ spec: CheckpointSpec, _ adapter: any AdapterUnderTest = ReferenceAdapter()
  ) -> Violation? {
    if case .broken(let violation) = law.verdict(on: CheckpointUnderTest(spec, adapter)) {
      return violation
    }
    return nil
  }

  private func plain(_ faults: (name: String, site: UInt64)...) throws -> CheckpointSpec {
    var spec = specs[0].spec
    spec.faults = try faults.map { name, site in
      CheckpointFault(kind: try #require(CheckpointFaultCatalogue.position(of: name)), site: site)
    }
    return spec
  }

  @Test("The checkpoints that faults are made in are valid, on disk and in native form")
  func valid() throws {
    for (name, spec) in specs {
      #expect(violation(spec) == nil, "\(name)")
      let session = ReferenceAdapter().session(for: spec.setup)
      let onDisk = try FaultyCheckpoint(valid: spec).stateDict()
      #expect(throws: Never.self, "\(name)") { try session.fromHF(onDisk, spec.parallelism) }
      let native = try FaultyCheckpoint(valid: spec, side: .native).stateDict()
      #expect(throws: Never.self, "\(name)") {
        try session.toHF(native, excluding: "", spec.parallelism)
      }
    }
  }

  @Test("Every kind finds a place, and the reference adapter refuses it and names every key")
  func kinds() {
    let sides = [CheckpointFaultKind.Side.onDisk, .native].map { side in
      specs.map { FaultyCheckpoint(valid: $0.spec, side: side) }
    }
    for (position, kind) in Self.catalogue.enumerated() {
      var places = 0
      for (entry, checkpoint) in zip(specs, sides[kind.side == .onDisk ? 0 : 1]) where places < 2 {
        let site = UInt64(places) * 7
        var faulty = checkpoint
        guard kind.apply(to: &faulty, site: site) else { continue }
        places += 1
        var spec = entry.spec
        spec.faults = [CheckpointFault(kind: position, site: site)]
        let found = violation(spec)?.summary
        #expect(found == nil, "\(kind.name) at \(site) on '\(entry.name)'")
      }
      // The usual layout has no sizes and flags of its own.
      #expect(places > 0, "\(kind.name) finds no place")
    }
  }

  @Test("Two faults at once are both named")
  func pairs() {
    let property = Property(Self.pairs(specs.filter { Self.paired.contains($0.name) }.map(\.spec)))
    { [law] spec, context in
      context.label("two faults", if: FaultyCheckpoint(spec).faults.count == 2)
      guard
        case .broken(let violation) = law.verdict(on: CheckpointUnderTest(spec, ReferenceAdapter()))
      else {
        return .pass
      }
      return .fail(FailureKey(law: violation.kind), violation.summary)
    }
    let report = property.run(Settings(examples: 300, seed: 5))
    #expect(report.counterexamples.map(\.message) == [])
    let count = report.labels.first?.count ?? 0
    #expect(count > 100, "too few of the examples have two faults")
  }

  @Test("A fused factor of a wrong shape does not keep others from being named")
  func masking() throws {
    var spec = try #require(specs.first { $0.name == "paramWrapper LoRA only" }).spec
    for masking in ["indivisible-fused-rank", "wide-fused-factor"] {
      spec.faults = try [(masking, 0), ("missing-fused-factor", 1)].map { name, site in
        CheckpointFault(kind: try #require(CheckpointFaultCatalogue.position(of: name)), site: site)
      }
      let found = violation(spec)?.summary
      #expect(found == nil)
    }
  }

  /// Specs with two faults that find a place on their own.
  private static func pairs(_ specs: [CheckpointSpec]) -> Generator<CheckpointSpec> {
    let sides = [CheckpointFaultKind.Side.onDisk, .native]
    let choices = specs.flatMap { spec in
      sides.compactMap { side -> (spec: CheckpointSpec, kinds: [Int])? in
        let valid = FaultyCheckpoint(valid: spec, side: side)
        let kinds = catalogue.indices.filter { position in
          var faulty = valid
          let kind = catalogue[position]
          return kind.side == side && kind.apply(to: &faulty, site: 0) && !faulty.isAlone
        }
        return kinds.isEmpty ? nil : (spec, kinds)
      }
    }
    return Generator<Int>.integer(0...choices.count - 1).flatMap { index in
      let fault = zip(
        Generator.element(of: choices[index].kinds), Generator<UInt64>.integer(0...9999)
      ).map { CheckpointFault(kind: $0, site: $1) }
      return zip(fault, fault).map { first, second in
        var spec = choices[index].spec
        spec.faults = [first, second]
        return spec
      }
    }
  }

  @Test("An adapter that swallows errors breaks the law, in words")
  func swallowing() throws {
    let one = try plain(("missing-projection", 4))
    let summary = violation(one, Swallowing())?.summary
    #expect(
      summary
        == "accepted a checkpoint whose expert 1 of layer 1 has no up_proj: 35 tensors came out "
        + "and no error that names 'model.layers.1.mlp.experts.1.up_proj.weight' as missing tensor")
    let two = try plain(("missing-expert", 0), ("missing-head", 0))
    // Each is given by itself before both are given at once.
    #expect(violation(two, Swallowing())?.kind == "missing-expert")
  }

  @Test("An adapter that names one key of many breaks the law, in words")
  func terse() throws {
    let spec = try plain(("missing-projection-of-all", 0))
    let found = violation(spec, Terse())
    #expect(found?.place == "not named")
    #expect(
      found?.summary == "refused a checkpoint whose layer 1 has no gate_proj in any expert, but "
        + "did not name 'model.layers.1.mlp.experts.1.gate_proj.weight' and 1 more "
        + "as missing tensor")
  }

  @Test("An adapter whose errors name no keys obeys the law with any error")
  func otherErrors() throws {
    #expect(violation(try plain(("missing-router", 0)), Wordless()) == nil)
  }

  @Test("Without a fault the law says nothing")
  func withoutFault() {
    guard
      case .doesNotApply = law.verdict(on: CheckpointUnderTest(specs[0].spec, ReferenceAdapter()))
    else {
      Issue.record("the law checks a valid checkpoint")
      return
    }
  }
}

/// Gives what it was given where the reference adapter refuses it.
private struct Swallowing: WrappedAdapter {
  func answer(to error: AdapterError, _ input: StateDict) throws -> StateDict { input }
}

/// Names the first offending key only.
private struct Terse: WrappedAdapter {
  func answer(to error: AdapterError, _ input: StateDict) throws -> StateDict {
    throw AdapterError(Array(error.problems.prefix(1)))
  }
}

/// Throws errors that say nothing.
private struct Wordless: WrappedAdapter {
  struct Refusal: Error {}

  func answer(to error: AdapterError, _ input: StateDict) throws -> StateDict { throw Refusal() }
}

/// The reference adapter with another answer to invalid input.
private protocol WrappedAdapter: AdapterUnderTest {
  func answer(to error: AdapterError, _ input: StateDict) throws -> StateDict
}

extension WrappedAdapter {
  var name: String { "wrapped" }

  func session(for setup: AdapterSetup) -> any AdapterSession {
    WrappedSession(adapter: self, inner: ReferenceAdapter().session(for: setup))
  }
}

private struct WrappedSession: AdapterSession {
  let adapter: any WrappedAdapter
  let inner: any AdapterSession

  func fromHF(_ onDisk: StateDict, _ parallelism: ExpertParallelism?) throws -> StateDict {
    do {
      return try inner.fromHF(onDisk, parallelism)
    } catch let error as AdapterError {
      return try adapter.answer(to: error, onDisk)
    }
  }

  func toHF(
    _ native: StateDict, excluding: String, _ parallelism: ExpertParallelism?
  ) throws -> StateDict {
    do {
      return try inner.toHF(native, excluding: excluding, parallelism)
    } catch let error as AdapterError {
      return try adapter.answer(to: error, native)
    }
  }

  func convertSingleTensorToHF(
    _ name: TensorName, _ tensor: Tensor, excluding: String, _ parallelism: ExpertParallelism?
  ) throws -> [(name: TensorName, tensor: Tensor)] {
    try inner.convertSingleTensorToHF(name, tensor, excluding: excluding, parallelism)
  }

  func isMTPKey(_ name: TensorName) throws -> Bool { try inner.isMTPKey(name) }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Tensors
import Testing

@Suite("What outside adapters lose of invalid input")
struct InvalidInputLossTests {
  private static let catalogue = CheckpointFaultCatalogue.all

  private let law: AdapterLaw
  private let specs: [(name: String, spec: CheckpointSpec)]

  init() throws {
    law = try #require(AdapterLaws.named("invalid-input"))
    specs = try FaultSpecs.all()
  }

  private func violation(
    _ spec: CheckpointSpec, _ adapter: any AdapterUnderTest
  ) -> Violation? {
    if case .broken(let violation) = law.judge(Trial(spec, adapter)) { return violation }
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
  private func everyKind() -> [(kind: String, name: String, spec: CheckpointSpec)] {
    let sides = [CheckpointFaultKind.Side.onDisk, .native].map { side in
      specs.map { FaultyCheckpoint(valid: $0.spec, side: side) }
    }
    var result: [(kind: String, name: String, spec: CheckpointSpec)] = []
    for (position, kind) in Self.catalogue.enumerated() {
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

  @Test("Of every kind, an adapter that gives nothing at all is found")
  func nothing() {
    let nothing = LossyAdapter(.dropsAll)
    for (kind, name, spec) in everyKind() {
      let found = violation(spec, nothing)
      print(kind, name, found.map { "\($0.kind) \($0.place) \($0.summary)" } ?? "HOLDS")
    }
  }

  @Test("Of every kind, an adapter that passes through what is strange is right")
  func passing() {
    for (kind, name, spec) in everyKind() {
      let found = violation(spec, LossyAdapter())?.summary
      if let found { print("PASS", kind, name, found) }
    }
  }
}

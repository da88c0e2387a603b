// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import PropertyEngine
import Tensors
import Testing

@Suite("The law about invalid input")
struct InvalidInputLawsTests {
  private let law: AdapterLaw

  init() throws {
    law = try #require(AdapterLaws.named("invalid-input"))
  }

  @Test("The checkpoints that faults are made in are valid, on disk and in native form")
  func valid() throws {
    for (name, spec) in try FaultSpecs.all() {
      for side in [CheckpointFaultKind.Side.onDisk, .native] {
        let input = try FaultyCheckpoint(valid: spec, side: side).stateDict()
        let session = ReferenceAdapter().session(for: spec.setup)
        let refusal = #expect(throws: Never.self, "\(name), \(side)") {
          switch side {
          case .onDisk: _ = try session.fromHF(input, spec.parallelism)
          case .native: _ = try session.toHF(input, excluding: "", spec.parallelism)
          }
        }
        _ = refusal
      }
    }
  }

  @Test("Every kind of fault finds a place and is refused by the reference adapter")
  func kinds() throws {
    let specs = try FaultSpecs.all()
    for (position, kind) in CheckpointFaultCatalogue.all.enumerated() {
      var places = 0
      for (name, spec) in specs {
        for site: UInt64 in [0, 1, 7, 1_234_567] {
          var spec = spec
          spec.faults = [CheckpointFault(kind: position, site: site)]
          switch law.judge(Trial(spec, ReferenceAdapter())) {
          case .doesNotApply: continue
          case .holds: places += 1
          case .broken(let violation):
            places += 1
            print("BROKEN", kind.name, "|", name, site, "|", violation.place, violation.summary)
          }
          let faulty = FaultyCheckpoint(spec)
          do {
            let input = try faulty.stateDict()
            let session = ReferenceAdapter().session(for: faulty.setup)
            switch faulty.side {
            case .onDisk: _ = try session.fromHF(input, spec.parallelism)
            case .native: _ = try session.toHF(input, excluding: "", spec.parallelism)
            }
          } catch let error as AdapterError {
            let named = Set(error.findings.map(\.subject))
            let extra = named.subtracting(faulty.offending)
            if !extra.isEmpty {
              print("EXTRA", kind.name, "|", name, site, "|", error.findings.filter { extra.contains($0.subject) }.prefix(2))
            }
          }
        }
      }
      if places == 0 { print("NOPLACE", kind.name) }
    }
    print("KINDS", CheckpointFaultCatalogue.all.count)
  }
}

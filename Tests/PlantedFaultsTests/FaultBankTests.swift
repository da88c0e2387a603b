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

@testable import PlantedFaults

@Suite("The bank of planted faults")
struct FaultBankTests {
  @Test("It is as large as it is said to be, and every fault has a name of its own")
  func size() {
    let faults = FaultBank.all.filter { $0.equivalence == nil }
    #expect(faults.count >= 120)
    #expect(faults.count { $0.isSelfConsistent } >= 25)
    #expect(Set(FaultBank.all.map(\.id)).count == FaultBank.all.count)
  }

  @Test("Every fault says what its diagnosis must name and how small its checkpoint is")
  func expectations() {
    let faults = FaultBank.all.filter { $0.equivalence == nil }
    #expect(faults.filter { $0.words == nil }.map(\.id) == [])
    #expect(faults.filter { $0.smallest == nil }.map(\.id) == [])
  }

  @Test("Globs choose faults by their ids")
  func globs() {
    #expect(FaultBank.named(["halves-swapped-both"]).map(\.id) == ["halves-swapped-both"])
    let both = FaultBank.named(["*-both"])
    #expect(both.count > 25)
    #expect(both.allSatisfy { $0.id.hasSuffix("-both") })
    #expect(FaultBank.named(["mtp-key-*", "rank-zer?-always"]).count == 7)
    #expect(FaultBank.named(["no such fault"]).isEmpty)
    #expect(FaultBank.named([]).count == FaultBank.all.count)
  }

  @Test("Round trips of self-consistent faults are clean")
  func selfConsistent() {
    let wrong = Mutex<[String]>([])
    let faults = FaultBank.all.filter(\.isSelfConsistent)
    let property = Property(Generator<CheckpointSpec>.checkpoints()) { spec, _ in
      let isLossless =
        spec.types.experts == spec.options.targetDType
        && (spec.lora?.layout ?? .perExpert) == .perExpert
      guard isLossless, spec.config.expertCount <= 12 else { return .discard }
      do {
        let onDisk = try Checkpoint(spec).stateDict()
        let plain = ReferenceAdapter().session(for: spec.setup)
        let right = try plain.toHF(plain.fromHF(onDisk, nil), excluding: "", nil)
        for fault in faults {
          let session = try fault.adapter.session(for: spec.setup)
          let back = try session.toHF(session.fromHF(onDisk, nil), excluding: "", nil)
          let isClean = right.count == back.count && right.allSatisfy { back[$0.name] == $0.tensor }
          if !isClean { wrong.withLock { $0.append("\(fault.id) on \(spec)") } }
        }
      } catch {
        wrong.withLock { $0.append("\(error) on \(spec)") }
      }
      return .pass
    }
    _ = property.run(Settings(examples: 12))
    #expect(wrong.withLock { $0 } == [])
  }
}

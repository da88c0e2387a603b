// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import CheckpointGenerators
import OrderedCollections
import Tensors
import Testing

@testable import Goldens

/// Each wrong result is what an adapter with a real fault gives, and the fault is diagnosed from it.
@Suite struct WrongResultTests {
  private static let ids = PlantedAdapter.faults.keys.sorted()

  @Test func everyWrongResultHasAFault() throws {
    let wrong = try CommittedSet.cases.get().filter { $0.groups[.wrong] != nil }
    #expect(wrong.map(\.description.id) == Self.ids)
  }

  @Test(arguments: ids) func theFaultGivesTheResultAndIsDiagnosed(id: String) throws {
    let golden = try CommittedSet.read(id)
    let fault = try #require(PlantedAdapter.faults[id])
    guard case .wrongResult(let wrong)? = golden.description.expectation else {
      Issue.record("\(id) has no wrong result")
      return
    }
    let adapter = PlantedAdapter(name: id, fault: fault)
    let session = adapter.session(for: golden.description.setup)
    let parallelism = golden.description.parallelism
    let found =
      wrong.side == .native
      ? try session.fromHF(golden[.hf], parallelism)
      : try session.toHF(
        golden[.native], excluding: golden.description.exclusion, parallelism)
    let mismatch = Mismatch(expected: golden[.wrong], found: found)?.summary
    #expect(mismatch == nil)

    var spec = try #require(CheckpointSpec(golden))
    let law = try #require(Laws.named(wrong.law))
    // How numbers were rounded is told from the spec's own, which the diagnosis knows.
    spec.contents = TensorContents(.random)
    let onDisk = wrong.diagnosis == ["toward zero"] ? nil : golden[.hf]
    guard
      case .broken(let violation) = law.verdict(
        on: CheckpointUnderTest(spec, adapter, onDisk: onDisk))
    else {
      Issue.record("\(id) does not break \(law.name)")
      return
    }
    let sentences = Diagnosis.of(violation, spec, adapter).sentences.joined(separator: "\n")
    for word in wrong.diagnosis {
      #expect(sentences.contains(word), "\(id): no '\(word)' in: \(sentences)")
    }
  }
}

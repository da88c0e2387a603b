// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import CheckpointGenerators
import PropertyEngine
import PropertyTesting
import Testing

@Suite("The reference adapter obeys each law")
struct LawTests {
  @Test(
    "on random checkpoints", .examples(16),
    .propertySettings { $0.silenced = [.filtersTooMuch] },
    arguments: Laws.all.map(\.name))
  func holds(law name: String) throws {
    let law = try #require(Laws.named(name))
    let adapter = ReferenceAdapter()
    try property(
      Property(.small) { (spec: CheckpointSpec, _) in
        switch law.verdict(on: CheckpointUnderTest(spec, adapter)) {
        case .holds: .pass
        case .doesNotApply: .discard
        case .broken(let violation):
          .fail(
            FailureKey(law: law.name, kind: violation.kind, place: violation.place),
            "\(violation.summary)\n\(spec)")
        }
      }, name: name)
  }

  @Test("and each law says what holds, why, and what breaks it, under a name of its own")
  func lawsAreExplained() {
    #expect(Set(Laws.all.map(\.name)).count == Laws.all.count)
    for law in Laws.all {
      #expect(law.name.allSatisfy { $0.isLowercase && $0.isASCII || $0 == "-" }, "\(law.name)")
      for text in [law.statement, law.reason, law.brokenBy] {
        #expect(text.count > 20 && !text.hasSuffix("."), "\(law.name): \(text)")
      }
    }
  }
}

extension Generator<CheckpointSpec> {
  /// Checkpoints of at most eleven experts and two decoder layers, quick without optimization.
  fileprivate static var small: Generator {
    let experts = ["1", "2", "3", "4-8", "11"].compactMap(ConfigAxis.experts.value)
    let layers = ["1", "2"].compactMap(ConfigAxis.decoderLayers.value)
    return oneOf(
      experts.flatMap { experts in
        layers.map { layers in
          checkpoints(
            CheckpointSpace(
              pinned: [.experts: experts, .decoderLayers: layers],
              faultKinds: CheckpointFaultCatalogue.all.count))
        }
      })
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import CheckpointGenerators
import Layouts
import PropertyEngine
import PropertyTesting
import Testing

@Suite("The reference adapter obeys all laws with every layout")
struct LayoutLawTests {
  /// Laws of features that not every layout has.
  private static let conditional: Set<String> = [
    "mtp-policy", "mtp-keys", "mtp-addition", "round-trip-without-mtp", "rounding", "concurrent",
    "invalid-input",
  ]

  @Test("on generated checkpoints", arguments: Layout.knownNames)
  func holds(name: String) throws {
    let layout = try Layout.named(name)
    let laws = Laws.all(for: layout)
    let adapter = ReferenceAdapter()
    let space = CheckpointSpace(
      layout: layout, faultKinds: CheckpointFaultCatalogue.all.count)
    var applied: Set<String> = []
    for number in 0..<40 {
      guard let (spec, _) = Generator.checkpoints(space).numbered(UInt64(number), seed: 5) else {
        continue
      }
      let trial = CheckpointUnderTest(spec, adapter)
      for law in laws {
        switch law.verdict(on: trial) {
        case .holds: applied.insert(law.name)
        case .doesNotApply: break
        case .broken(let violation):
          Issue.record("\(name) \(law.name): \(violation.summary)\n\(spec)")
        }
      }
    }
    // Where a layer's tensors depend on its number, no two layers are exchanged.
    let isByNumber = ["glm_moe_dsa", "qwen3_next", "qwen3_5_moe"].contains(name)
    let conditional = Self.conditional.union(isByNumber ? ["layer-exchange"] : [])
    #expect(laws.map(\.name).filter { !applied.contains($0) && !conditional.contains($0) } == [])
    let dropsMTP = layout.layers.prediction?.isDroppedOnLoad ?? false
    #expect(applied.contains("mtp-keys") == dropsMTP)
    #expect(applied.contains("rounding") == layout.groups.contains(where: \.isCast))
  }
}

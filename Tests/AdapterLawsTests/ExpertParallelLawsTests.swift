// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import PlantedFaults
import Tensors
import Testing

@Suite("Laws about ranks")
struct ExpertParallelLawsTests {
  @Test("Experts that no rank holds break the partition, also where no rank holds any")
  func lost() throws {
    let law = try #require(Laws.named("ep-partition"))
    let adapter = FaultyAdapter(nativeOut: { dict, call in
      call.rank == nil ? dict : dict.filter { !$0.text.contains(".mlp.experts.") }
    })
    for experts in [1, 3] {
      var spec = try SmallSpec.make(experts: experts)
      spec.parallelism = try ExpertParallelism(rank: 0, size: 2)
      guard case .broken(let violation) = law.verdict(on: CheckpointUnderTest(spec, adapter)) else {
        Issue.record("\(experts) experts: the law holds")
        continue
      }
      #expect(violation.kind == "missing key", "\(experts) experts: \(violation.summary)")
      guard case .holds = law.verdict(on: CheckpointUnderTest(spec, ReferenceAdapter())) else {
        Issue.record("\(experts) experts: the reference adapter breaks the law")
        continue
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Goldens
import Testing

@Suite struct CommittedSetTests {
  @Test func everyCaseAgreesWithTheReferenceAdapter() throws {
    let set = try GoldenSet(path: "/tmp/w/goldens-out")
    for entry in set.manifest.entries {
      let golden = try set.read(entry)
      for fault in golden.faults(of: ReferenceAdapter()) { Issue.record("\(fault)") }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import CheckpointGenerators

/// Another adapter with a version, and with values of axes that it says it supports.
struct VersionedAdapter: AdapterUnderTest {
  let name = "versioned"
  let version: String? = "1.2"
  var supports: [AxisSelection] = []
  var invalidInputContract = InvalidInputContract.refuses
  var base: any AdapterUnderTest = ReferenceAdapter()

  func session(for setup: AdapterSetup) throws -> any AdapterSession {
    try base.session(for: setup)
  }
}

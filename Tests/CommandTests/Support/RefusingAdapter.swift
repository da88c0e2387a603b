// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts

/// An adapter that refuses every config with three experts or more.
struct RefusingAdapter: AdapterUnderTest {
  let name = "refusing"

  struct Refusal: Error, CustomStringConvertible {
    let description = "three experts are too many"
  }

  func session(for setup: AdapterSetup) throws -> any AdapterSession {
    guard setup.config.expertCount < 3 else { throw Refusal() }
    return ReferenceAdapter().session(for: setup)
  }
}

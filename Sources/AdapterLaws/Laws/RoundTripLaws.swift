// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators

extension AdapterLaws {
  static let roundTrip = AdapterLaw(
    "round-trip",
    statement: "toHF(fromHF(x)) == x, bit for bit, where experts are not cast",
    reason: "a checkpoint that is loaded and saved without training must not change",
    brokenBy: "an expert that every other overwrites; a key that is never written"
  ) { (trial) throws(Violation) in
    guard trial.spec.lora == nil else { return false }
    try trial.require(trial.returned(), equals: trial.onDisk(), ordered: false, .roundTrip)
    return true
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

extension Report {
  /// The report on the replay of a stored failure, which still fails and has `message` to say.
  public init(replayed failure: StoredFailure, message: String, seed: UInt64) {
    self.init()
    self.seed = seed
    end = .failed
    findings = [
      Finding(key: failure.key, message: message, choices: failure.choices, caseNumber: 0)
    ]
  }
}

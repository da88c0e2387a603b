// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
public import CheckpointGenerators
internal import PropertyEngine

/// What laws say about the checkpoint of a token now.
public struct CheckReplay: Sendable {
  /// The name of the adapter under test.
  public let adapter: String
  /// What the checkpoint follows from.
  public let spec: CheckpointSpec
  /// The first broken law, or nil if all hold.
  public let failure: CheckFailure?
  /// The verdicts in the order of the laws: whether a law holds, nil if it does not apply.
  public let verdicts: [(law: LawSummary, holds: Bool?)]
  /// The token.
  public let token: String

  init(run: CheckRun, spec: CheckpointSpec, judgement: Judgement, token: ReplayToken) {
    adapter = run.adapter.name
    self.spec = spec
    self.token = token.text
    failure = judgement.broken.first.map { law, violation in
      CheckFailure(law, violation, spec, judgement, run, token)
    }
    verdicts = zip(run.laws, judgement.marks).map { law, mark in
      (LawSummary(law), mark == .doesNotApply ? nil : mark == .holds)
    }
  }

  /// Whether no law is broken.
  public var holds: Bool { failure == nil }
}

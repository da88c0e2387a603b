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
  /// The first law broken in a way that is not known, or nil if there is none.
  public let failure: CheckFailure?
  /// The verdicts in the order of the laws: whether a law holds, nil if it does not apply; one
  /// that is broken as known does not hold.
  public let verdicts: [(law: LawSummary, holds: Bool?)]
  /// The ids of known divergences that the checkpoint shows, in the order of the laws.
  public let known: [String]
  /// The token.
  public let token: String

  init(run: CheckRun, spec: CheckpointSpec, judgement: Judgement, token: ReplayToken) {
    adapter = run.adapter.name
    self.spec = spec
    self.token = token.text
    failure = judgement.failure.map { failure in
      CheckFailure(failure.law, failure.violation, spec, judgement, run, token)
    }
    var ids: [String] = []
    for entry in judgement.broken.compactMap(\.known) {
      guard let id = run.known?.entries[entry].id, !ids.contains(id) else { continue }
      ids.append(id)
    }
    known = ids
    verdicts = zip(run.laws, judgement.marks).map { law, mark in
      (LawSummary(law), mark == .doesNotApply ? nil : mark == .holds)
    }
  }

  /// Whether no law is broken but as known.
  public var holds: Bool { failure == nil }
}

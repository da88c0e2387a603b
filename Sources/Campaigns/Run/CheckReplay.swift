// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
public import CheckpointGenerators
internal import Layouts
public import StrictJSON

/// What laws say about a checkpoint now.
public struct CheckReplay: Sendable {
  /// The name of the adapter under test.
  public let adapter: String
  /// What the checkpoint follows from.
  public let spec: CheckpointSpec
  /// The first law broken in a way that is not known, or nil if there is none.
  public let failure: Failure?
  /// The verdicts in the order of the laws: whether a law holds, nil if it does not apply; one
  /// that is broken as known does not hold.
  public let verdicts: [(law: LawSummary, holds: Bool?)]
  /// The ids of known divergences that the checkpoint shows, in the order of the laws.
  public let known: [String]
  /// The token.
  public let token: String

  init(run: CheckRun, spec: CheckpointSpec, judgement: Judgement) {
    adapter = run.adapter.name
    self.spec = spec
    token = spec.token
    failure = judgement.failure.map { failure in
      Failure(failure.law, failure.violation, spec, judgement, run)
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

extension CheckReplay {
  /// The outcome as lines of text.
  public var lines: [ReportLine] {
    let applicable = verdicts.count { $0.holds != nil }
    if let failure { return FailureScreen(failure: failure).lines }
    let outcome =
      known.isEmpty
      ? "no longer fails: \(counted(applicable, "law")) held on the checkpoint "
      : "no law is broken on the checkpoint but as known (\(known.joined(separator: ", "))) "
    return [ReportLine(true, "\(outcome)(\(spec.config.layout.subject(adapter)))")]
      + wrapped(spec.description, width: FailureScreen.width - 4).map { ReportLine("    \($0)") }
  }

  /// The members of the JSON document beside `schemaVersion`, `command` and `ok`.
  public var json: [(String, JSONValue)] {
    let layout = spec.config.layout
    let laws = verdicts.map { law, holds -> JSONValue in
      ["name": .string(law.name), "holds": holds.map { .bool($0) } ?? .null]
    }
    return [
      ("adapter", .string(adapter)), ("layout", .string(layout.name)),
      ("native", .string(layout.native)), ("token", .string(token)), ("laws", .array(laws)),
      ("known", .strings(known)), ("failure", failure?.json(group: nil) ?? .null),
    ]
  }
}

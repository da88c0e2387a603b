// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import CheckpointGenerators
internal import PropertyEngine
internal import StrictJSON

/// What became of known divergences in a run.
public struct KnownReport: Sendable, Equatable {
  /// The adapter of which they are known, with its version.
  public var subject = ""
  /// The entries with what became of each, in their order.
  public var tallies: [KnownTally] = []
  /// Checkpoints on which a law was broken as known.
  public var checkpoints = 0
  /// Those of them on which no law was broken in another way, which pass.
  public var passed = 0

  /// The entries that were seen, in their order.
  public var seen: [KnownTally] { tallies.filter { $0.checkpoints > 0 } }

  /// The entries whose case no longer shows them.
  public var vanished: [KnownTally] { tallies.filter { $0.state == .vanished } }

  /// The entries whose case could not be made again.
  public var unjudged: [KnownTally] {
    tallies.filter { $0.state == .stale || $0.state == .unsupported }
  }

  /// Adds what another shard saw.
  mutating func add(_ other: KnownReport) {
    for (index, tally) in other.tallies.enumerated() {
      tallies[index].checkpoints += tally.checkpoints
    }
    checkpoints += other.checkpoints
    passed += other.passed
  }
}

/// What became of one known divergence in a run.
public struct KnownTally: Sendable, Equatable {
  /// What the minimal checkpoint of an entry shows now.
  public enum State: String, Sendable {
    /// A law is broken on it as known.
    case shows
    /// No law is broken on it any more as known.
    case vanished
    /// The token is of another version of the generator.
    case stale
    /// The adapter says that it does not support such checkpoints.
    case unsupported
    /// The laws concerned were not chosen, or the run was told to end before.
    case notJudged
  }

  /// The name, such as `surplus-expert-dropped`.
  public var id = ""
  /// What is done, in one line.
  public var title = ""
  /// What is to become of it.
  public var decision = ""
  /// What its minimal checkpoint shows; nil in a campaign, which does not look.
  public var state: State?
  /// The checkpoints of the run on which it explains a broken law.
  public var checkpoints = 0
  /// The replay token of its minimal checkpoint.
  public var token = ""
}

extension KnownReport {
  /// Nothing seen so far.
  ///
  /// - Parameter states: What the minimal checkpoints show, if that was looked at.
  init(_ known: KnownDivergences, states: [KnownTally.State]? = nil) {
    subject = known.subject
    tallies = known.entries.enumerated().map { position, entry in
      KnownTally(
        id: entry.id, title: entry.title, decision: entry.decision, state: states?[position],
        token: entry.token)
    }
  }
}

extension KnownTally.State: JSONMember {}

extension KnownTally: JSONRecord {
  mutating func members(_ table: inout JSONTable) throws(JSONFieldError) {
    try table.member("id", &id)
    try table.member("title", &title)
    try table.member("decision", &decision)
    try table.member("state", &state)
    try table.member("examples", &checkpoints)
    try table.member("token", &token)
  }
}

extension KnownReport: JSONRecord {
  mutating func members(_ table: inout JSONTable) throws(JSONFieldError) {
    try table.member("subject", &subject)
    try table.member("tallies", &tallies)
    try table.member("checkpoints", &checkpoints)
    try table.member("passed", &passed)
  }
}

extension CheckRun {
  /// What the minimal checkpoint of each known divergence shows now; each is checked once.
  func recall(_ settings: RunSettings) -> [KnownTally.State]? {
    guard let known else { return nil }
    return known.entries.map { entry in
      let isConcerned = laws.contains { law in
        entry.violations.contains { $0.matchesLaw(law.name) }
      }
      guard isConcerned, settings.isCancelled?() != true else { return .notJudged }
      guard let spec = spec(token: entry.token) else { return .stale }
      guard space.disallowedAxis(AxisValues(spec)) == nil else { return .unsupported }
      let judgement = check(spec, known: [entry])
      // Of an adapter that was stopped meanwhile nothing is known.
      guard !adapter.isStopped else { return .notJudged }
      return judgement.broken.contains { $0.known != nil } ? .shows : .vanished
    }
  }
}

extension RunReport {
  /// What became of known divergences: a summary, a table of those seen if it is wanted, and what has
  /// changed.
  func knownLines(isVerbose: Bool) -> [ReportLine] {
    guard let known else { return [] }
    var lines = wrapped(summary(known), width: FailureScreen.width)
    if isVerbose { lines += Self.table(known.seen) }
    for tally in known.vanished {
      lines += wrapped(
        "vanished: \(tally.id), whose case no longer shows it; if it is gone for good, "
          + "take it out of the list", width: FailureScreen.width)
      lines.append("    \(shellCommand(["hymt2", "replay", tally.token] + replayArguments))")
    }
    for tally in known.unjudged { lines += wrapped(tally.text ?? "", width: FailureScreen.width) }
    return lines.map { ReportLine($0) } + (isVerbose ? [""] : [])
  }

  private func summary(_ known: KnownReport) -> String {
    let (seen, all) = (known.seen.count, known.tallies.count)
    guard seen > 0 else {
      return "known: none of \(counted(all, "divergence")) of \(known.subject) was seen"
    }
    return "known: \(counted(seen, "divergence")) of \(known.subject) "
      + "\(seen == 1 ? "was" : "were") seen on \(grouped(known.checkpoints)) of "
      + counted(judged, noun) + (all > seen ? ", \(grouped(all - seen)) not" : "")
  }

  private static func table(_ seen: [KnownTally]) -> [String] {
    let heads = TextTable(rows: seen.map { [$0.id, grouped($0.checkpoints)] }).lines()
    var lines: [String] = []
    for (head, tally) in zip(heads, seen) {
      let titles = wrapped(
        tally.title, width: max(20, FailureScreen.width - head.count - 2))
      let indentation = String(repeating: " ", count: head.count)
      lines += titles.enumerated().map { ($0.offset == 0 ? head : indentation) + "  \($0.element)" }
    }
    return lines
  }
}

extension KnownTally {
  /// What became of its case; nil where nobody looked.
  var text: String? {
    switch state {
    case .shows: "\(id): its case shows it"
    case .vanished: "\(id): its case no longer shows it"
    case .notJudged: "\(id): its case was not checked"
    case .stale:
      "stale: \(id), the token of whose case is of another version of the generator; find it again"
    case .unsupported:
      "not judged: \(id), since the adapter says that it does not support its case"
    case nil: nil
    }
  }

  /// The same in a few words, or what is to become of it.
  var word: String {
    switch state {
    case .shows: "shows it"
    case .vanished: "no longer shows it"
    case .stale: "is of another version"
    case .unsupported: "is not supported"
    case .notJudged: "was not checked"
    case nil: decision
    }
  }
}

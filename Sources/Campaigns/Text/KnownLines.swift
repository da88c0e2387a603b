// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

extension RunReport {
  /// What became of known divergences: a summary, a table of those seen, and what has changed.
  var knownLines: [ReportLine] {
    guard let known else { return [] }
    var lines = [summary(known)] + Self.table(known.seen)
    for tally in known.vanished {
      lines += wrapped(
        "vanished: \(tally.id), whose case no longer shows it; if it is gone for good, "
          + "take it out of the list", width: FailureScreen.width)
      lines.append("    \(shellCommand(["hymt2", "replay", tally.token] + replayArguments))")
    }
    for tally in known.unjudged { lines += wrapped(tally.text ?? "", width: FailureScreen.width) }
    return lines.map { ReportLine($0) } + [""]
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
    case .notJudged: "\(id): its case was not judged"
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
    case .notJudged: "was not judged"
    case nil: decision
    }
  }
}

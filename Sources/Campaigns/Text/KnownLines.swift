// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What became of known divergences, as lines of text.
struct KnownLines {
  let known: KnownReport
  /// How many checkpoints were judged.
  let judged: Int
  /// What a command that replays a case must be told beside its token.
  let replayArguments: [String]

  /// A summary, a table of those seen, and what has changed.
  var lines: [ReportLine] {
    var lines = [summary] + table
    for tally in known.vanished {
      lines += wrapped(
        "vanished: \(tally.divergence.id), whose case no longer shows it; if it is gone for good, "
          + "take it out of the list", width: FailureScreen.width)
      lines.append(
        "    \(shellCommand(["hymt2", "replay", tally.divergence.token] + replayArguments))")
    }
    for tally in known.unjudged { lines += wrapped(Self.text(tally), width: FailureScreen.width) }
    return lines.map { ReportLine(nil, $0) } + [""]
  }

  private var summary: String {
    let (seen, all) = (known.seen.count, known.tallies.count)
    let subject = known.divergences.subject
    guard seen > 0 else {
      return "known: none of \(counted(all, "divergence")) of \(subject) was seen"
    }
    return "known: \(counted(seen, "divergence")) of \(subject) \(seen == 1 ? "was" : "were") "
      + "seen on \(grouped(known.checkpoints)) of \(counted(judged, "checkpoint"))"
      + (all > seen ? ", \(grouped(all - seen)) not" : "")
  }

  private var table: [String] {
    let seen = known.seen
    let width = seen.map(\.divergence.id.count).max() ?? 0
    let digits = seen.map { grouped($0.checkpoints).count }.max() ?? 0
    return seen.flatMap { tally in
      let (id, count) = (tally.divergence.id, grouped(tally.checkpoints))
      let head =
        "  \(id)\(String(repeating: " ", count: width - id.count + digits - count.count))  \(count)"
      let titles = wrapped(
        tally.divergence.title, width: max(20, FailureScreen.width - width - digits - 6))
      let indentation = String(repeating: " ", count: width + digits + 4)
      return titles.enumerated().map { ($0.offset == 0 ? head : indentation) + "  \($0.element)" }
    }
  }

  static func text(_ tally: KnownTally) -> String {
    let id = tally.divergence.id
    return switch tally.state {
    case .shows: "\(id): its case shows it"
    case .vanished: "\(id): its case no longer shows it"
    case .notJudged: "\(id): its case was not judged"
    case .stale:
      "stale: \(id), the token of whose case is of another version of the generator; find it again"
    case .unsupported:
      "not judged: \(id), since the adapter says that it does not support its case"
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// The laws with what became of them, as lines of text.
struct LawLines {
  let laws: [LawTally]
  let broken: [LawSummary]
  /// Whether what is known of the adapter was given.
  let hasKnown: Bool

  var lines: [ReportLine] {
    var rows = [["law", "held", "does not apply", "broken"] + (hasKnown ? ["known"] : [])]
    for tally in laws {
      rows.append(
        [tally.law.name, grouped(tally.held), grouped(tally.notApplicable), grouped(tally.broken)]
          + (hasKnown ? [grouped(tally.known)] : []))
    }
    let unjudged = laws.filter { $0.judged == 0 && !broken.contains($0.law) }
    let names = unjudged.map(\.law.name).joined(separator: ", ")
    let note = wrapped(
      "not judged, because no checkpoint was of their kind: \(names)",
      width: FailureScreen.width - 2)
    let lines = TextTable(rows: rows).lines() + (unjudged.isEmpty ? [] : note.map { "  \($0)" })
    return lines.map { ReportLine(nil, $0) }
  }
}

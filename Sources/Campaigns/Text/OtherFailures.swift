// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Causes behind the first, each in four lines of text.
struct OtherFailures {
  /// The failures of each cause.
  let groups: [[any ReportedFailure]]
  /// How many causes are shown; the others are counted.
  let shown: Int

  var lines: [ReportLine] {
    let rest = groups.count - shown
    let more = "  and \(grouped(rest)) more, all of them with --json or --report"
    return groups.prefix(shown).flatMap(Self.lines) + (rest > 0 ? [ReportLine(nil, more)] : [])
  }

  private static func lines(_ group: [any ReportedFailure]) -> [ReportLine] {
    guard let failure = group.first else { return [] }
    let text = wrapped(
      "\(failure.law.name): \(failure.sentence)", width: FailureScreen.width - 4)
    let alike =
      group.count > 1 ? [ReportLine(nil, "    and \(grouped(group.count - 1)) more of it")] : []
    return [ReportLine(false, text[0])]
      + text.dropFirst().prefix(1).map { ReportLine(nil, "    \($0)") } + alike
      + [ReportLine(nil, "    \(failure.replayCommand)")]
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CheckpointGenerators

extension CheckReport {
  /// The report as lines of text: failures first, then laws and coverage.
  public var lines: [ReportLine] {
    var lines: [ReportLine] = []
    if let failure = failures.first {
      lines += FailureScreen(failure: failure, lawCount: laws.count).lines
      lines += otherFailures
      lines.append("")
    }
    lines.append(ReportLine(holds, verdict))
    lines.append("")
    if let known {
      lines += KnownLines(known: known, judged: judged, replayArguments: replayArguments).lines
    }
    lines += leftOutLines.map { ReportLine(nil, $0) }
    lines += lawTable.map { ReportLine(nil, $0) }
    lines.append("")
    lines += coverageLines.map { ReportLine(nil, $0) }
    return lines
  }

  /// The outcome in one sentence.
  public var verdict: String {
    let broken = laws.count { isBroken($0) }
    let count = "\(counted(judged, "checkpoint")), seed \(seed)"
    let stopped = end == .cancelled ? "stopped: " : ""
    if holds {
      let all = end == .exhausted ? "all there are: " : ""
      let seen = known?.seen.count ?? 0
      let exception = seen == 0 ? "" : ", but for \(counted(seen, "known divergence"))"
      return "\(stopped)\(counted(laws.count, "law")) held on \(all)\(count)\(exception) "
        + "(adapter: \(adapter))"
    }
    return "\(stopped)\(grouped(broken)) of \(counted(laws.count, "law")) broken "
      + "on \(grouped(failed)) of \(count) (adapter: \(adapter))"
  }

  private var otherFailures: [ReportLine] {
    let groups = failureGroups
    let alike = (groups.first?.count ?? 1) - 1
    var lines: [ReportLine] = []
    if alike > 0 {
      let text = "\(counted(alike, "failure")) more with this diagnosis and other details (--json)"
      lines += ["", ReportLine(nil, text)]
    }
    if failuresAsFound > 0 {
      let text =
        "\(counted(failuresAsFound, "failure")) of \(grouped(failures.count)) "
        + "\(failuresAsFound == 1 ? "is" : "are") as found: enough others were made small"
      lines += ["", ReportLine(nil, text)]
    }
    guard groups.count > 1 else { return lines }
    lines += ["", "other failures"]
    // A run that goes on is for seeing everything.
    let shown = keepsGoing ? groups.count : 5
    for group in groups.dropFirst().prefix(shown) { lines += Self.lines(group) }
    let rest = groups.count - 1 - shown
    if rest > 0 {
      lines.append(
        ReportLine(nil, "  and \(grouped(rest)) more, all of them with --json or --report"))
    }
    return lines
  }

  /// The failures of one cause in four lines.
  private static func lines(_ group: [CheckFailure]) -> [ReportLine] {
    guard let failure = group.first else { return [] }
    let text = wrapped(
      "\(failure.law.name): \(failure.sentence)", width: FailureScreen.width - 4)
    let alike =
      group.count > 1 ? [ReportLine(nil, "    and \(grouped(group.count - 1)) more of it")] : []
    return [ReportLine(false, text[0])]
      + text.dropFirst().prefix(1).map { ReportLine(nil, "    \($0)") } + alike
      + [ReportLine(nil, "    \(failure.replayCommand)")]
  }

  private var leftOutLines: [String] {
    guard !leftOut.isEmpty else { return [] }
    let parts = leftOut.map { "\($0.axis): \($0.values.joined(separator: ", "))" }
    return ["left out, because the adapter says that it does not support it"]
      + parts.flatMap { wrapped($0, width: FailureScreen.width - 2) }.map { "  \($0)" } + [""]
  }

  private var lawTable: [String] {
    let isKnown = known != nil
    var rows = [["law", "held", "does not apply", "broken"] + (isKnown ? ["known"] : [])]
    for tally in laws {
      rows.append(
        [tally.law.name, grouped(tally.held), grouped(tally.notApplicable), grouped(tally.broken)]
          + (isKnown ? [grouped(tally.known)] : []))
    }
    let unjudged = laws.filter { $0.judged == 0 && !isBroken($0) }
    return TextTable(rows: rows).lines()
      + (unjudged.isEmpty
        ? []
        : wrapped(
          "not judged, because no checkpoint was of their kind: "
            + unjudged.map(\.law.name).joined(separator: ", "), width: FailureScreen.width - 2
        ).map { "  \($0)" })
  }

  private var coverageLines: [String] {
    let shares = coverage.shares.map { name, share in
      [name, share.text, "\(grouped(share.reached)) of \(grouped(share.feasible))"]
    }
    let missing = coverage.missingPairs.prefix(3)
    return ["coverage of the config axes"] + TextTable(rows: shares).lines()
      + (missing.isEmpty ? [] : ["  pairs not reached, for example:"] + missing.map { "    \($0)" })
      + ["", "checkpoints by axis"] + axisLines
  }

  private var axisLines: [String] {
    let width = coverage.axes.map(\.name.count).max() ?? 0
    return coverage.axes.flatMap { axis in
      let values = axis.values.filter(\.isFeasible).map { "\($0.label): \(grouped($0.count))" }
      let lines = wrapped(
        values.map { $0.replacing(" ", with: "\u{a0}") }.joined(separator: ", "),
        width: FailureScreen.width - width - 4)
      return lines.enumerated().map { index, line in
        let name = index == 0 ? axis.name : ""
        let space = String(repeating: " ", count: width - name.count)
        return "  \(name)\(space)  \(line.replacing("\u{a0}", with: " "))"
      }
    }
  }
}

extension CheckReplay {
  /// The outcome as lines of text.
  public var lines: [ReportLine] {
    let applicable = verdicts.count { $0.holds != nil }
    guard let failure else {
      let outcome =
        known.isEmpty
        ? "no longer fails: \(counted(applicable, "law")) held on the checkpoint "
        : "no law is broken on the checkpoint but as known (\(known.joined(separator: ", "))) "
      return [ReportLine(true, "\(outcome)(adapter: \(adapter))")]
        + wrapped(spec.description, width: FailureScreen.width - 4).map {
          ReportLine(nil, "    \($0)")
        }
    }
    return FailureScreen(failure: failure, lawCount: verdicts.count).lines
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CheckpointGenerators
internal import Layouts

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
    lines += LeftOutLines(leftOut).lines
    lines += LawLines(laws: laws, broken: brokenLaws, hasKnown: known != nil).lines
    lines.append("")
    lines += CoverageLines(coverage).lines
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
        + "(\(subject))"
    }
    return "\(stopped)\(grouped(broken)) of \(counted(laws.count, "law")) broken "
      + "on \(grouped(failed)) of \(count) (\(subject))"
  }

  /// The adapter, and the layout where it is not the usual one.
  private var subject: String { layout.subject(adapter) }

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
    return lines + OtherFailures(groups: Array(groups.dropFirst()), shown: shown).lines
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
      return [ReportLine(true, "\(outcome)(\(spec.config.layout.subject(adapter)))")]
        + wrapped(spec.description, width: FailureScreen.width - 4).map {
          ReportLine(nil, "    \($0)")
        }
    }
    return FailureScreen(failure: failure, lawCount: verdicts.count).lines
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CheckpointGenerators

extension CampaignReport {
  /// The report as lines of text: findings first, then phases, laws and coverage.
  public var lines: [ReportLine] {
    var lines: [ReportLine] = []
    let groups = findingGroups
    if let group = groups.first {
      lines += FailureScreen(failure: group[0], lawCount: laws.count).lines
      if group.count > 1 {
        let text = "\(counted(group.count - 1, "finding")) more with this cause (--json)"
        lines += ["", ReportLine(nil, text)]
      }
      lines.append("")
    }
    if groups.count > 1 {
      lines.append("other findings")
      lines += OtherFailures(groups: Array(groups.dropFirst()), shown: groups.count).lines
      lines.append("")
    }
    lines += wrapped(verdict, width: FailureScreen.width - 2).enumerated().map { position, line in
      position == 0 ? ReportLine(holds, line) : ReportLine(nil, "  \(line)")
    }
    lines += ["", "around \(configSummary)"].flatMap { wrapped($0, width: FailureScreen.width) }
      .map { ReportLine(nil, $0) }
    lines += phaseLines + [""] + knownLines + LeftOutLines(leftOut).lines
    lines += LawLines(laws: laws, broken: brokenLaws, hasKnown: !known.isEmpty).lines + [""]
    return lines + CoverageLines(coverage).lines + corpusLines + damagedLines
  }

  private var phaseLines: [ReportLine] {
    let rows = phases.map { [$0.phase.rawValue, grouped($0.judged), grouped($0.failed)] }
    let table = TextTable(rows: [["phase", "cases", "failed"]] + rows).lines()
    return zip(table, [""] + phases.map(\.note)).flatMap { line, note in
      guard !note.isEmpty else { return [ReportLine(nil, line)] }
      let space = String(repeating: " ", count: line.count)
      return wrapped(note, width: max(20, FailureScreen.width - line.count - 2)).enumerated().map {
        ReportLine(nil, ($0.offset == 0 ? line : space) + "  \($0.element)")
      }
    }
  }

  private var knownLines: [ReportLine] {
    let seen = known.filter { $0.checkpoints > 0 }
    guard !seen.isEmpty else { return [] }
    let rows = seen.map { [$0.id, grouped($0.checkpoints)] }
    return ["known divergences, with the number of cases that showed them"]
      + TextTable(rows: rows).lines().map { ReportLine(nil, $0) } + [""]
  }

  private var damagedLines: [ReportLine] {
    damaged.flatMap { file in
      [ReportLine(nil, "")]
        + wrapped("damaged: \(file)", width: FailureScreen.width).map { ReportLine(nil, $0) }
    }
  }

  private var corpusLines: [ReportLine] {
    guard let corpus else { return [] }
    let text =
      "corpus: \(counted(corpus.cases, "case")) in '\(corpus.folder)', "
      + "\(grouped(corpus.added)) of them new, \(counted(corpus.failures, "failure"))"
    return ["", ReportLine(nil, text)]
  }
}

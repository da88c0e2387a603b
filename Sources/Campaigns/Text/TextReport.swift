// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CheckpointGenerators

extension RunReport {
  /// The report as lines of text: failures first, then the verdict, phases, laws and coverage.
  public var lines: [ReportLine] { lines(isVerbose: true) }

  /// The report as lines of text, with what came of each law and axis or without.
  public func lines(isVerbose: Bool) -> [ReportLine] {
    var lines: [ReportLine] = []
    if let failure = failures.first { lines += self.lines(of: failure) + otherFailures + [""] }
    lines += wrapped(verdict, width: FailureScreen.width - 2).enumerated().map { place, line in
      place == 0 ? ReportLine(holds, line) : ReportLine("  \(line)")
    }
    lines += phaseLines
    lines +=
      isVerbose
      ? [""] + knownLines(isVerbose: true) + leftOutLines + lawLines + [""] + coverage.lines
        + invalidInputLines
      : knownLines(isVerbose: false) + summaryLines
    return lines + corpusLines + damagedLines
  }

  /// All that matters of one failure, within 40 lines of 100 columns.
  public func lines(of failure: Failure) -> [ReportLine] {
    FailureScreen(failure: failure).lines
  }

  /// The causes after the first, each in four lines.
  private var otherFailures: [ReportLine] {
    let groups = failureGroups
    let alike = (groups.first?.count ?? 1) - 1
    var lines: [ReportLine] = []
    for remark in groups.first.map(remarks) ?? [] {
      lines += [""] + wrapped(remark, width: FailureScreen.width).map { ReportLine($0) }
    }
    if alike > 0 {
      let text = "\(counted(alike, "failure")) more with this diagnosis and other details (--json)"
      lines += ["", ReportLine(text)]
    }
    if failuresAsFound > 0 {
      let text =
        "\(counted(failuresAsFound, "failure")) of \(grouped(failures.count)) "
        + "\(failuresAsFound == 1 ? "is" : "are") as found: enough others were shrunk"
      lines += ["", ReportLine(text)]
    }
    guard groups.count > 1 else { return lines }
    // A run that goes on is for seeing everything.
    let shown = keepsGoing || config != nil ? groups.count - 1 : min(5, groups.count - 1)
    let rest = groups.count - 1 - shown
    lines += ["", "other failures"]
    for group in groups.dropFirst().prefix(shown) {
      let text = wrapped(
        "\(group[0].law.name): \(group[0].sentence)", width: FailureScreen.width - 4)
      lines.append(ReportLine(false, text[0]))
      lines += text.dropFirst().prefix(1).map { ReportLine("    \($0)") }
      for remark in remarks(group) {
        lines += wrapped(remark, width: FailureScreen.width - 4).map { ReportLine("    \($0)") }
      }
      if group.count > 1 {
        lines.append(ReportLine("    and \(grouped(group.count - 1)) more of it"))
      }
      lines.append(ReportLine("    \(group[0].replayCommand)"))
    }
    if rest > 0 {
      lines.append(ReportLine("  and \(grouped(rest)) more, all of them with --json or --report"))
    }
    return lines
  }

  private var phaseLines: [ReportLine] {
    guard let config else { return [] }
    let rows = phases.map { [$0.phase.rawValue, grouped($0.judged), grouped($0.failed)] }
    let table = TextTable(rows: [["phase", "cases", "failed"]] + rows).lines()
    var lines = [""] + wrapped("around \(config.summary)", width: FailureScreen.width)
    for (line, note) in zip(table, [""] + phases.map(\.note)) {
      let space = String(repeating: " ", count: line.count)
      let notes = wrapped(note, width: max(20, FailureScreen.width - line.count - 2))
      lines.append(note.isEmpty ? line : "\(line)  \(notes[0])")
      lines += notes.dropFirst().map { "\(space)  \($0)" }
    }
    return lines.map { ReportLine($0) }
  }

  /// What the laws and axes come to, in a few lines.
  private var summaryLines: [ReportLine] {
    var lines: [String] = []
    let idle = laws.filter { $0.judged == 0 && !isBroken($0) }.map(\.law.name)
    if !idle.isEmpty { lines.append("not applicable: \(idle.joined(separator: ", "))") }
    if !leftOut.isEmpty {
      let values = leftOut.reduce(0) { $0 + $1.values.count }
      lines.append(
        "left out, because the adapter does not support it: \(counted(values, "value")) of "
          + leftOut.map(\.axis).joined(separator: ", "))
    }
    let shares = coverage.shares.map { "\($0.1.text) of \($0.0)" }
    lines.append("coverage of the config axes: \(shares.joined(separator: ", "))")
    if let invalidInputText { lines.append(invalidInputText) }
    return lines.flatMap { wrapped($0, width: FailureScreen.width) }.map { ReportLine($0) }
  }

  private var invalidInputLines: [ReportLine] {
    guard let invalidInputText else { return [] }
    return ["", ReportLine(invalidInputText)]
      + wrapped(invalidInputKinds, width: FailureScreen.width - 2).map { ReportLine("  \($0)") }
  }

  private var leftOutLines: [ReportLine] {
    guard !leftOut.isEmpty else { return [] }
    let parts = leftOut.map { "\($0.axis): \($0.values.joined(separator: ", "))" }
    let lines = parts.flatMap { wrapped($0, width: FailureScreen.width - 2) }
    return ["left out, because the adapter says that it does not support it"]
      + lines.map { ReportLine("  \($0)") } + [""]
  }

  private var lawLines: [ReportLine] {
    var rows = [
      ["law", "held", "does not apply", "broken"] + (known.map { _ in ["known"] } ?? [])
    ]
    for tally in laws {
      rows.append(
        [tally.law.name, grouped(tally.held), grouped(tally.notApplicable), grouped(tally.broken)]
          + (known.map { _ in [grouped(tally.known)] } ?? []))
    }
    let unjudged = laws.filter { $0.judged == 0 && !isBroken($0) }
    let names = unjudged.map(\.law.name).joined(separator: ", ")
    let note = wrapped(
      "not checked, because no checkpoint was of their kind: \(names)",
      width: FailureScreen.width - 2)
    return (TextTable(rows: rows).lines() + (unjudged.isEmpty ? [] : note.map { "  \($0)" }))
      .map { ReportLine($0) }
  }

  private var corpusLines: [ReportLine] {
    guard let corpus else { return [] }
    let text =
      "corpus: \(counted(corpus.cases, "case")) in '\(corpus.folder)', "
      + "\(grouped(corpus.added)) of them new, \(counted(corpus.failures, "failure"))"
    return ["", ReportLine(text)]
  }

  private var damagedLines: [ReportLine] {
    damaged.flatMap { file in
      [""] + wrapped("damaged: \(file)", width: FailureScreen.width).map { ReportLine($0) }
    }
  }
}

extension SpaceCoverage {
  /// The coverage of the config axes, as lines of text.
  var lines: [ReportLine] {
    let shares = shares.map { name, share in
      [name, share.text, "\(grouped(share.reached)) of \(grouped(share.feasible))"]
    }
    let missing = missingPairs.prefix(3)
    let pairs =
      missing.isEmpty ? [] : ["  pairs not reached, for example:"] + missing.map { "    \($0)" }
    let head = ["coverage of the config axes"] + TextTable(rows: shares).lines() + pairs
    return (head + ["", "checkpoints by axis"] + axisLines).map { ReportLine($0) }
  }

  private var axisLines: [String] {
    let width = axes.map(\.name.count).max() ?? 0
    var lines: [String] = []
    for axis in axes {
      let values = axis.values.filter(\.isFeasible).map { "\($0.label): \(grouped($0.count))" }
      let text = values.map { $0.replacing(" ", with: "\u{a0}") }.joined(separator: ", ")
      for (index, line) in wrapped(text, width: FailureScreen.width - width - 4).enumerated() {
        let name = index == 0 ? axis.name : ""
        let space = String(repeating: " ", count: width - name.count)
        lines.append("  \(name)\(space)  \(line.replacing("\u{a0}", with: " "))")
      }
    }
    return lines
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CheckpointGenerators

/// The coverage of the config axes, as lines of text.
struct CoverageLines {
  private let coverage: SpaceCoverage

  init(_ coverage: SpaceCoverage) {
    self.coverage = coverage
  }

  var lines: [ReportLine] {
    (shares + ["", "checkpoints by axis"] + axes).map { ReportLine(nil, $0) }
  }

  private var shares: [String] {
    let shares = coverage.shares.map { name, share in
      [name, share.text, "\(grouped(share.reached)) of \(grouped(share.feasible))"]
    }
    let missing = coverage.missingPairs.prefix(3)
    return ["coverage of the config axes"] + TextTable(rows: shares).lines()
      + (missing.isEmpty ? [] : ["  pairs not reached, for example:"] + missing.map { "    \($0)" })
  }

  private var axes: [String] {
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

/// What was left out of a space, as lines of text.
struct LeftOutLines {
  private let leftOut: [AxisSelection]

  init(_ leftOut: [AxisSelection]) {
    self.leftOut = leftOut
  }

  var lines: [ReportLine] {
    guard !leftOut.isEmpty else { return [] }
    let parts = leftOut.map { "\($0.axis): \($0.values.joined(separator: ", "))" }
    let lines = parts.flatMap { wrapped($0, width: FailureScreen.width - 2) }
    return ["left out, because the adapter says that it does not support it"]
      + lines.map { ReportLine(nil, "  \($0)") } + [""]
  }
}

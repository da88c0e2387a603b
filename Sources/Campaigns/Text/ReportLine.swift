// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// A line of a text report.
public struct ReportLine: Sendable, Equatable, ExpressibleByStringLiteral {
  /// Whether what the line states holds; nil for a line without a verdict.
  public var verdict: Bool?
  /// The text, without a mark for the verdict.
  public var text: String

  /// Creates a line with a verdict.
  public init(_ verdict: Bool?, _ text: String) {
    self.verdict = verdict
    self.text = text
  }

  /// Creates a line without a verdict.
  public init(_ text: String) {
    self.init(nil, text)
  }

  /// Creates a line without a verdict.
  public init(stringLiteral text: String) {
    self.init(nil, text)
  }
}

extension ReportLine: CustomStringConvertible {
  /// The text, behind a mark where there is a verdict.
  public var description: String {
    verdict.map { ($0 ? "✔ " : "✘ ") + text } ?? text
  }
}

/// Rows of cells in columns: the first to the left, the others to the right.
package struct TextTable {
  private let rows: [[String]]

  package init(rows: [[String]]) {
    self.rows = rows
  }

  package func lines(indentation: Int = 2) -> [String] {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in
      rows.map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0
    }
    return rows.map { row in
      let cells = row.enumerated().map { column, cell in
        let space = String(repeating: " ", count: widths[column] - cell.count)
        return column == 0 ? cell + space : space + cell
      }
      let line = String(repeating: " ", count: indentation) + cells.joined(separator: "  ")
      return String(line.reversed().drop { $0 == " " }.reversed())
    }
  }
}

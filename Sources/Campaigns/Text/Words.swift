// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// A count with its digits in groups of three, such as `47,138`.
package func grouped(_ count: Int) -> String {
  var digits = Substring(String(count.magnitude))
  var groups: [Substring] = []
  while digits.count > 3 {
    groups.insert(digits.suffix(3), at: 0)
    digits = digits.dropLast(3)
  }
  return (count < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
}

/// A count with the noun it counts, such as `1 law` or `3 laws`.
package func counted(_ count: Int, _ noun: String) -> String {
  "\(grouped(count)) \(noun)\(count == 1 ? "" : "s")"
}

/// A phrase with a capital letter in front.
func capitalized(_ phrase: String) -> String { phrase.prefix(1).uppercased() + phrase.dropFirst() }

/// A command line that a POSIX shell splits into these words.
package func shellCommand(_ words: [String]) -> String {
  words.map { word in
    let isPlain = word.unicodeScalars.allSatisfy { scalar in
      scalar.properties.isAlphabetic && scalar.isASCII || ("0"..."9").contains(scalar)
        || "-_./:=@%+,".unicodeScalars.contains(scalar)
    }
    if isPlain, !word.isEmpty { return word }
    return "'"
      + word.split(separator: "'", omittingEmptySubsequences: false)
      .joined(separator: #"'\''"#) + "'"
  }.joined(separator: " ")
}

/// A command line on lines of at most `width` characters where its words allow, which a shell reads
/// as one.
func continued(_ command: String, width: Int) -> [String] {
  var words: [Substring] = []
  var start = command.startIndex
  var isQuoted = false
  for index in command.indices {
    if command[index] == "'" { isQuoted.toggle() }
    guard command[index] == " ", !isQuoted else { continue }
    words.append(command[start..<index])
    start = command.index(after: index)
  }
  words.append(command[start...])
  var lines: [String] = []
  for word in words {
    if let last = lines.last, last.count + word.count + 3 <= width {
      lines[lines.count - 1] += " \(word)"
    } else {
      if let last = lines.last { lines[lines.count - 1] = "\(last) \\" }
      lines.append(String(word))
    }
  }
  return lines
}

/// Lines of at most `width` characters: those that fit as they are, others broken at spaces, or
/// anywhere in a longer word.
package func wrapped(_ text: String, width: Int) -> [String] {
  var lines: [String] = []
  for paragraph in text.split(separator: "\n", omittingEmptySubsequences: false) {
    if paragraph.count <= width {
      lines.append(String(paragraph))
      continue
    }
    var line = ""
    for word in paragraph.split(separator: " ") {
      var rest = word
      if !line.isEmpty, line.count + 1 + rest.count > width {
        lines.append(line)
        line = ""
      }
      while rest.count > width {
        lines.append(String(rest.prefix(width)))
        rest = rest.dropFirst(width)
      }
      line += (line.isEmpty ? "" : " ") + rest
    }
    lines.append(line)
  }
  return lines
}

/// A time as people say it, such as `4.2 s` or `10 min 3 s`.
func durationText(_ seconds: Double) -> String {
  guard seconds.isFinite, seconds < 1e12 else { return "\(seconds) s" }
  let tenths = Int((max(0, seconds) * 10).rounded())
  if tenths < 600 { return "\(tenths / 10).\(tenths % 10) s" }
  let whole = (tenths + 5) / 10
  let (hours, minutes) = (whole / 3600, whole / 60 % 60)
  return hours > 0
    ? "\(grouped(hours)) h \(minutes) min" : "\(minutes) min \(whole % 60) s"
}

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
  /// The text, after a mark where there is a verdict.
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

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Text of GitHub's Markdown, in which every text put in stands for itself on one line.
struct Markdown: ExpressibleByStringInterpolation {
  private(set) var text: String

  init(stringLiteral text: String) {
    self.text = text
  }

  init(stringInterpolation: StringInterpolation) {
    text = stringInterpolation.text
  }

  /// Pieces one after the other.
  init(_ pieces: some Sequence<Markdown>) {
    text = pieces.map(\.text).joined()
  }

  /// Lines to be read as they are, with any number of backquotes.
  static func block(_ lines: [String]) -> Markdown {
    let longest = lines.flatMap { $0.split { $0 != "`" } }.map(\.count).max() ?? 0
    let fence = String(repeating: "`", count: max(3, longest + 1))
    let text = lines.map(onOneLine).joined(separator: "\n")
    var result: Markdown = ""
    result.text = "\(fence)text\n\(text)\n\(fence)\n"
    return result
  }

  struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var text = ""

    init(literalCapacity: Int, interpolationCount: Int) {}

    mutating func appendLiteral(_ literal: String) { text += literal }

    mutating func appendInterpolation(_ value: String) { text += Markdown.escaped(value) }

    mutating func appendInterpolation(_ value: Markdown) { text += value.text }

    mutating func appendInterpolation(_ values: [Markdown]) { text += Markdown(values).text }
  }

  private static func escaped(_ text: String) -> String {
    onOneLine(text).unicodeScalars.map { scalar in
      switch scalar {
      case "&": "&amp;"
      case "<": "&lt;"
      case ">": "&gt;"
      case "\\", "`", "*", "_", "[", "]", "(", ")", "#", "|", "~", "$", "!", "@", "+", "-", "=":
        "\\\(scalar)"
      default: String(scalar)
      }
    }.joined()
  }

  private static func onOneLine(_ text: String) -> String {
    text.unicodeScalars.map { scalar in
      switch scalar {
      case "\t", "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}": " "
      case "\u{0}"..."\u{1f}", "\u{7f}"..."\u{9f}": "\u{fffd}"
      default: String(scalar)
      }
    }.joined()
  }
}

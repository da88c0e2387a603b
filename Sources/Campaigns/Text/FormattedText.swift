// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// A format of texts, and how a text stands for itself in it.
protocol TextFormat {
  static func escaped(_ text: String) -> String
}

/// Text of HTML or XML.
typealias Markup = FormattedText<MarkupFormat>

/// Text of GitHub's Markdown, in which every text put in stands on one line.
typealias Markdown = FormattedText<MarkdownFormat>

/// Text of a format, in which every text put in is escaped.
struct FormattedText<Format: TextFormat>: ExpressibleByStringInterpolation {
  private(set) var text: String

  init(stringLiteral text: String) {
    self.text = text
  }

  init(stringInterpolation: StringInterpolation) {
    text = stringInterpolation.text
  }

  /// Text of the format made elsewhere, which is not escaped.
  init(trusted text: String) {
    self.text = text
  }

  /// Pieces one after the other.
  init(_ pieces: some Sequence<FormattedText>) {
    text = pieces.map(\.text).joined()
  }

  struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var text = ""

    init(literalCapacity: Int, interpolationCount: Int) {}

    mutating func appendLiteral(_ literal: String) { text += literal }

    mutating func appendInterpolation(_ value: String) { text += Format.escaped(value) }

    mutating func appendInterpolation(_ value: some BinaryInteger) { text += "\(value)" }

    mutating func appendInterpolation(_ value: FormattedText) { text += value.text }

    mutating func appendInterpolation(_ values: [FormattedText]) {
      text += FormattedText(values).text
    }
  }
}

/// HTML and XML.
enum MarkupFormat: TextFormat {
  /// The text with `&`, `<`, `>` and quotes as entities; characters that XML does not allow become
  /// U+FFFD, and tabs and line breaks stay.
  static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      case "'": result += "&#39;"
      case "\t", "\n": result.unicodeScalars.append(scalar)
      case "\u{0}"..."\u{1f}", "\u{7f}"..."\u{9f}", "\u{fffe}", "\u{ffff}": result += "\u{fffd}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}

/// GitHub's Markdown.
enum MarkdownFormat: TextFormat {
  static func escaped(_ text: String) -> String {
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

  fileprivate static func onOneLine(_ text: String) -> String {
    text.unicodeScalars.map { scalar in
      switch scalar {
      case "\t", "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}": " "
      case "\u{0}"..."\u{1f}", "\u{7f}"..."\u{9f}": "\u{fffd}"
      default: String(scalar)
      }
    }.joined()
  }
}

extension Markdown {
  /// Lines to be read as they are, with any number of backquotes.
  static func block(_ lines: [String]) -> Markdown {
    let longest = lines.flatMap { $0.split { $0 != "`" } }.map(\.count).max() ?? 0
    let fence = String(repeating: "`", count: max(3, longest + 1))
    let text = lines.map(MarkdownFormat.onOneLine).joined(separator: "\n")
    return Markdown(trusted: "\(fence)text\n\(text)\n\(fence)\n")
  }
}

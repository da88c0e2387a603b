// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Text of HTML or XML, in which every text put in is escaped.
struct Markup: ExpressibleByStringInterpolation {
  private(set) var text: String

  init(stringLiteral text: String) {
    self.text = text
  }

  init(stringInterpolation: StringInterpolation) {
    text = stringInterpolation.text
  }

  /// Markup made elsewhere, which is not escaped.
  init(trusted text: String) {
    self.text = text
  }

  /// Pieces one after the other.
  init(_ pieces: some Sequence<Markup>) {
    text = pieces.map(\.text).joined()
  }

  static func += (left: inout Markup, right: Markup) { left.text += right.text }

  struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var text = ""

    init(literalCapacity: Int, interpolationCount: Int) {}

    mutating func appendLiteral(_ literal: String) { text += literal }

    mutating func appendInterpolation(_ value: String) { text += Markup.escaped(value) }

    mutating func appendInterpolation(_ value: some BinaryInteger) { text += "\(value)" }

    mutating func appendInterpolation(_ value: Markup) { text += value.text }

    mutating func appendInterpolation(_ values: [Markup]) { text += Markup(values).text }
  }

  /// The text with `&`, `<`, `>` and quotes as entities; characters that XML does not allow become
  /// U+FFFD, and tabs and line breaks stay.
  private static func escaped(_ text: String) -> String {
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

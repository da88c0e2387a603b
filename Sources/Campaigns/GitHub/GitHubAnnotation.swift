// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// A message that GitHub Actions shows beside a file and above a run's log.
struct GitHubAnnotation {
  enum Level: String {
    case error, warning, notice
  }

  let level: Level
  let title: String
  /// The file that it is about, if there is one.
  let file: String?
  let message: String

  /// The line of the log that makes it.
  var command: String {
    let properties = [("file", file), ("title", title)].compactMap { name, value in
      value.map { "\(name)=\(Self.escapedProperty($0))" }
    }
    return "::\(level) \(properties.joined(separator: ","))::\(Self.escaped(message))"
  }

  /// Text in which no line ends.
  private static func escaped(_ text: String) -> String {
    encoded(text, ["%", "\r", "\n"])
  }

  /// Text in which no property ends.
  private static func escapedProperty(_ text: String) -> String {
    encoded(text, ["%", "\r", "\n", ":", ","])
  }

  /// Control characters that mean nothing to GitHub become U+FFFD: they could deceive a terminal.
  private static func encoded(_ text: String, _ special: [Unicode.Scalar]) -> String {
    text.unicodeScalars.map { scalar in
      guard special.contains(scalar) else {
        return scalar.properties.generalCategory == .control ? "\u{fffd}" : String(scalar)
      }
      let digits = String(scalar.value, radix: 16, uppercase: true)
      return "%" + (digits.count < 2 ? "0" : "") + digits
    }.joined()
  }
}

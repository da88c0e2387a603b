// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Text of unknown origin and figures, as reports show them.
enum DisplayText {
  /// A text on one line without control characters, cut to a number of characters.
  static func text(_ text: String, atMost limit: Int) -> String {
    var line = ""
    var count = 0
    for scalar in text.unicodeScalars {
      guard count < limit else { return line + "…" }
      count += 1
      switch scalar {
      case "\n", "\r", "\t": line += " "
      default: line += scalar.visible
      }
    }
    while line.last == " " { line.removeLast() }
    return line
  }

  /// Bytes as the quoted line of text that they begin with, else in hexadecimal digits.
  static func bytes(_ bytes: some Collection<UInt8>) -> String {
    let part = Array(bytes.prefix(64))
    let line = part.prefix { $0 >= 0x20 && $0 != 0x7f || $0 == UInt8(ascii: "\t") }
    let isWhole = line.count == bytes.count
    let isLine = isWhole || line.count >= 6 || part[line.count...].first == UInt8(ascii: "\n")
    if isLine, !line.isEmpty, let text = valid(line) {
      return "'\(self.text(text, atMost: line.count))\(isWhole ? "" : "…")'"
    }
    return part.prefix(16).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
      .joined(separator: " ") + (bytes.count > 16 ? " …" : "")
  }

  /// The text of bytes whose last character may be cut off.
  private static func valid(_ bytes: ArraySlice<UInt8>) -> String? {
    (0...min(3, bytes.count - 1)).lazy
      .compactMap { String(validating: bytes.dropLast($0), as: UTF8.self) }.first
  }

  /// A duration such as `60 s` or `300 ms`.
  static func duration(_ duration: Duration) -> String {
    let milliseconds = Int((duration / .milliseconds(1)).rounded())
    return milliseconds.isMultiple(of: 1000)
      ? "\(milliseconds / 1000) s" : "\(milliseconds) ms"
  }

  /// A size such as `8 GiB` or `1.5 GiB`.
  static func size(_ byteCount: Int) -> String {
    for (unit, name) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")]
    where byteCount >= unit {
      let tenths = (Double(byteCount) / Double(unit) * 10).rounded()
      let whole = Int(tenths / 10)
      let tenth = Int(tenths) % 10
      return tenth == 0 ? "\(whole) \(name)" : "\(whole).\(tenth) \(name)"
    }
    return "\(byteCount) B"
  }
}

extension Unicode.Scalar {
  /// The scalar, or an escape of it if it would not be seen.
  fileprivate var visible: String {
    ["'", "\"", "\\"].contains(self) ? String(self) : escaped(asASCII: false)
  }
}

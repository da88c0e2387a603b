// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Text of unknown origin and figures, as reports show them.
enum Legible {
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

  /// Bytes as quoted text if they are text, else in hexadecimal digits.
  static func bytes(_ bytes: some Collection<UInt8>, atMost limit: Int = 32) -> String {
    let part = Array(bytes.prefix(limit))
    let rest = bytes.count > limit ? "…" : ""
    if let text = printable(part) { return "'\(text)\(rest)'" }
    return part.map { byte in
      (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined(separator: " ") + rest
  }

  /// The text of bytes that are printable but for a character cut off at their end.
  private static func printable(_ bytes: [UInt8]) -> String? {
    for cut in 0...3 where cut < bytes.count {
      guard let text = String(validating: bytes.dropLast(cut), as: UTF8.self) else { continue }
      let isPrintable = text.unicodeScalars.allSatisfy { scalar in
        scalar.value >= 0x20 && scalar.value != 0x7f || "\n\r\t".unicodeScalars.contains(scalar)
      }
      return isPrintable ? self.text(text, atMost: bytes.count) : nil
    }
    return nil
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

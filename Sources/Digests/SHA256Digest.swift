// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// The 32 bytes of a SHA-256 digest.
public struct SHA256Digest: Sendable, Hashable, CustomStringConvertible {
  /// The bytes in their order.
  public let bytes: [UInt8]

  init(_ state: SHA256State) {
    bytes = (0..<32).map {
      UInt8(truncatingIfNeeded: state.words[$0 / 4] >> UInt32(24 - 8 * ($0 % 4)))
    }
  }

  /// Reads 64 lowercase hexadecimal digits; nil for any other text.
  public init?(hexadecimal text: String) {
    let digits = text.utf8.compactMap { digit -> UInt8? in
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
      default: nil
      }
    }
    guard digits.count == 64, text.utf8.count == 64 else { return nil }
    bytes = (0..<32).map { digits[2 * $0] << 4 | digits[2 * $0 + 1] }
  }

  /// The bytes as 64 lowercase hexadecimal digits.
  public var description: String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}

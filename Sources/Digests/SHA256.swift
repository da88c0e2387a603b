// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// The SHA-256 digest of bytes that come in pieces (FIPS 180-4).
public struct SHA256: Sendable {
  private var state = SHA256State()
  /// The bytes after the last whole block.
  private var tail = InlineArray<64, UInt8>(repeating: 0)
  private var tailCount = 0
  private var byteCount: UInt64 = 0

  /// Creates the digest of no bytes.
  public init() {}

  /// The digest of bytes.
  ///
  /// - Complexity: O(bytes).
  public static func hash(_ bytes: RawSpan) -> SHA256Digest {
    var hash = SHA256()
    hash.update(bytes)
    return hash.digest
  }

  /// Appends bytes.
  ///
  /// - Complexity: O(bytes).
  public mutating func update(_ bytes: RawSpan) {
    byteCount &+= UInt64(bytes.byteCount)
    var offset = 0
    if tailCount > 0 {
      offset = min(64 - tailCount, bytes.byteCount)
      keep(bytes.extracting(0..<offset))
      guard tailCount == 64 else { return }
      // Bytes have no padding that could be read uninitialized.
      unsafe state.compress(tail.span.bytes)
      tailCount = 0
    }
    let whole = offset + (bytes.byteCount - offset) / 64 * 64
    state.compress(bytes.extracting(offset..<whole))
    keep(bytes.extracting(whole..<bytes.byteCount))
  }

  /// The digest of the bytes so far; more can follow.
  public var digest: SHA256Digest {
    var copy = self
    let bitCount = byteCount &<< 3
    let zeroCount = (119 - tailCount) % 64
    var padding = [0x80] + [UInt8](repeating: 0, count: zeroCount)
    for shift in stride(from: 56, through: 0, by: -8) {
      padding.append(UInt8(truncatingIfNeeded: bitCount >> UInt64(shift)))
    }
    unsafe copy.update(padding.span.bytes)
    return SHA256Digest(copy.state)
  }

  /// Stores bytes, few enough for the rest of the block.
  private mutating func keep(_ bytes: RawSpan) {
    for offset in 0..<bytes.byteCount {
      // The load checks the offset.
      tail[tailCount] = unsafe bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
      tailCount += 1
    }
  }
}

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

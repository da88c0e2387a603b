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

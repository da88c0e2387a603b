// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Bits in bytes, the top bit of a byte first.
struct BitWriter {
  private(set) var bytes: [UInt8] = []
  private var free = 0

  /// Appends the `count` lowest bits of `bits`, the highest of them first.
  mutating func write(_ bits: UInt64, count: Int) {
    for place in (0..<UInt64(count)).reversed() {
      if free == 0 {
        bytes.append(0)
        free = 8
      }
      free -= 1
      bytes[bytes.count - 1] |= UInt8(truncatingIfNeeded: bits >> place & 1) << UInt8(free)
    }
  }

  /// Appends a number three bits at a time, each after a bit that says whether more follow.
  mutating func write(number: UInt64) {
    var rest = number
    while rest >> 3 != 0 {
      write(0b1000 | rest & 7, count: 4)
      rest >>= 3
    }
    write(rest, count: 4)
  }
}

/// Reads what `BitWriter` wrote; no bytes make it trap.
struct BitReader {
  private let bytes: ArraySlice<UInt8>
  private var position = 0

  init(_ bytes: ArraySlice<UInt8>) { self.bytes = bytes }

  private var bitsLeft: Int { bytes.count * 8 - position }
  var wholeBytesLeft: Int { bitsLeft / 8 }
  var invalid: StoredFailureError { .invalid(part: "the choices") }

  /// Whether what is left of the last byte are zeros.
  var isFilledWithZeros: Bool {
    (bytes.last ?? 0) & (1 << UInt8(bitsLeft % 8) - 1) == 0
  }

  /// The next `count` bits, the first as the highest.
  mutating func read(_ count: Int) throws(StoredFailureError) -> UInt64 {
    guard count <= bitsLeft else { throw .truncated(part: "the choices") }
    var bits: UInt64 = 0
    for _ in 0..<count {
      let byte = bytes[bytes.startIndex + position / 8]
      bits = bits << 1 | UInt64(byte >> UInt8(7 - position % 8) & 1)
      position += 1
    }
    return bits
  }

  /// A number as `write(number:)` gives it; no number has two encodings.
  mutating func number() throws(StoredFailureError) -> UInt64 {
    var number: UInt64 = 0
    for shift in stride(from: UInt64(0), through: 63, by: 3) {
      let group = try read(4)
      let part = group & 7
      guard shift < 63 || part <= 1 else { throw invalid }
      number |= part << shift
      if group >> 3 == 0 {
        guard part != 0 || shift == 0 else { throw invalid }
        return number
      }
    }
    throw invalid
  }

  /// A number of things that take `bitsEach` bits each at least, so that it cannot exceed what is
  /// left.
  mutating func count(bitsEach: Int) throws(StoredFailureError) -> Int {
    let count = try number()
    guard count <= UInt64(bitsLeft / bitsEach) else { throw .truncated(part: "the choices") }
    return Int(count)
  }
}

private let alphabet = Array(
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

/// Bytes as characters that can stand in a shell command and a URL, without padding.
func base64URL(_ bytes: [UInt8]) -> String {
  var text: [UInt8] = []
  var buffer: UInt32 = 0
  var bits: UInt32 = 0
  for byte in bytes {
    buffer = buffer << 8 | UInt32(byte)
    bits += 8
    while bits >= 6 {
      bits -= 6
      text.append(alphabet[Int(buffer >> bits & 63)])
    }
  }
  if bits > 0 { text.append(alphabet[Int(buffer << (6 - bits) & 63)]) }
  return String(decoding: text, as: UTF8.self)
}

/// The bytes of the characters of `text` after `start`, an offset in UTF-8 bytes.
func decodedBase64URL(_ text: String, from start: Int) throws(StoredFailureError) -> [UInt8] {
  var bytes: [UInt8] = []
  var buffer: UInt32 = 0
  var bits: UInt32 = 0
  for (offset, character) in text.utf8.enumerated().dropFirst(start) {
    guard let value = alphabet.firstIndex(of: character) else {
      throw .invalidCharacter(offset: offset)
    }
    buffer = buffer << 6 | UInt32(value)
    bits += 6
    if bits >= 8 {
      bits -= 8
      bytes.append(UInt8(truncatingIfNeeded: buffer >> bits))
    }
  }
  return bytes
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Writes bits into bytes, the top bit of a byte first.
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

  /// Appends the `count` lowest bytes of a number, the lowest first.
  mutating func write(_ number: UInt64, bytes count: Int) {
    for place in 0..<count { write(number >> UInt64(8 * place), count: 8) }
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

  /// What was written, with its CRC-32 at the end.
  var sealed: [UInt8] {
    var seal = BitWriter()
    seal.write(UInt64(crc32(bytes)), bytes: 4)
    return bytes + seal.bytes
  }
}

/// Reads what `BitWriter` wrote; no bytes make it trap.
struct BitReader {
  private let bytes: ArraySlice<UInt8>
  private var position = 0
  private let part: String

  /// Reads bytes that errors call `part`.
  init(_ bytes: ArraySlice<UInt8>, _ part: String = "the choices") {
    self.bytes = bytes
    self.part = part
  }

  /// Reads what was sealed, without its CRC-32, which must be right.
  init(sealed bytes: [UInt8]) throws(ReplayTokenError) {
    self.init(bytes.dropLast(4))
    var seal = BitReader(bytes.suffix(4), "the checksum")
    let found = UInt32(truncatingIfNeeded: try seal.read(bytes: 4))
    let expected = crc32(self.bytes)
    guard found == expected else { throw .damaged(expected: expected, found: found) }
  }

  private var bitsLeft: Int { bytes.count * 8 - position }
  var invalid: ReplayTokenError { .invalid(part: part) }

  /// The next `count` bits, the first as the highest.
  mutating func read(_ count: Int) throws(ReplayTokenError) -> UInt64 {
    guard count <= bitsLeft else { throw .truncated(part: part) }
    var bits: UInt64 = 0
    for _ in 0..<count {
      let byte = bytes[bytes.startIndex + position / 8]
      bits = bits << 1 | UInt64(byte >> UInt8(7 - position % 8) & 1)
      position += 1
    }
    return bits
  }

  /// A number of `count` bytes, the lowest first.
  mutating func read(bytes count: Int) throws(ReplayTokenError) -> UInt64 {
    var number: UInt64 = 0
    for place in 0..<count { number |= try read(8) << UInt64(8 * place) }
    return number
  }

  /// A number as `write(number:)` gives it; no number has two encodings.
  mutating func number() throws(ReplayTokenError) -> UInt64 {
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
  mutating func count(bitsEach: Int) throws(ReplayTokenError) -> Int {
    let count = try number()
    guard count <= UInt64(bitsLeft / bitsEach) else { throw .truncated(part: part) }
    return Int(count)
  }

  /// Checks that nothing is left but zeros that fill the last byte.
  func finish() throws(ReplayTokenError) {
    guard bitsLeft < 8 else { throw .trailingBytes(bitsLeft / 8) }
    guard (bytes.last ?? 0) & (1 << UInt8(bitsLeft) - 1) == 0 else { throw invalid }
  }
}

/// CRC-32 as in zip files.
func crc32(_ bytes: some Sequence<UInt8>) -> UInt32 {
  var crc = UInt32.max
  for byte in bytes {
    crc ^= UInt32(byte)
    for _ in 0..<8 { crc = crc >> 1 ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0) }
  }
  return ~crc
}

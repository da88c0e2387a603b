// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What is wrong with the bytes or the token of a stored failure.
public enum StoredFailureError: Error, Equatable, CustomStringConvertible {
  /// More bytes than any stored failure has.
  case tooLarge(bytes: Int, limit: Int)
  /// The bytes end before `part` does.
  case truncated(part: String)
  /// There are bytes after the end.
  case trailingBytes(Int)
  /// The checksum does not fit the bytes.
  case damaged(expected: UInt32, found: UInt32)
  /// Written by another version of the format.
  case otherVersion(found: UInt8, expected: UInt8)
  /// The choices cannot be read.
  case choices(ChoiceSequence.DecodingError)
  /// `part` has a value that is never written.
  case invalid(part: String)
  /// A token that does not start as tokens do.
  case notAToken
  /// A character that tokens do not have, at `offset` in UTF-8 bytes.
  case invalidCharacter(offset: Int)

  /// What is wrong and what can be done.
  public var description: String {
    switch self {
    case .tooLarge(let bytes, let limit):
      "\(bytes) bytes are more than the \(limit) that a stored failure may have"
    case .truncated(let part): "it ends within \(part); copy it as a whole"
    case .trailingBytes(let count): "\(count) bytes follow after its end; copy nothing but it"
    case .damaged(let expected, let found):
      "its checksum is \(found), but its bytes give \(expected); it was changed or cut"
    case .otherVersion(let found, let expected):
      "it has format version \(found), this engine reads \(expected); find the failure again"
    case .choices(let error): "its choices cannot be read: \(error)"
    case .invalid(let part): "\(part) has a value that this engine never writes"
    case .notAToken:
      "a token starts with \(ReplayToken.prefix) or \(StoredFailure.tokenPrefix)"
    case .invalidCharacter(let offset): "byte \(offset) is not a character of a token"
    }
  }
}

/// Appends the parts of a stored failure to bytes.
struct StoredByteWriter {
  var bytes: [UInt8] = []

  mutating func write(_ number: UInt64) {
    bytes.append(uleb128: number)
  }

  mutating func write(fixed number: UInt64, bytes count: Int = 8) {
    for place in 0..<count {
      bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(8 * place)))
    }
  }

  mutating func write(_ text: String) {
    write(UInt64(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }
}

/// Reads what `StoredByteWriter` wrote; no bytes make it trap.
struct StoredByteReader {
  private let bytes: ArraySlice<UInt8>
  private var position: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  var remaining: Int { bytes.endIndex - position }

  mutating func byte(_ part: String) throws(StoredFailureError) -> UInt8 {
    guard position < bytes.endIndex else { throw .truncated(part: part) }
    defer { position += 1 }
    return bytes[position]
  }

  mutating func number(_ part: String) throws(StoredFailureError) -> UInt64 {
    var result: UInt64 = 0
    for place in 0..<10 {
      let byte = try byte(part)
      if place == 9, byte > 1 { throw .invalid(part: part) }
      result |= UInt64(byte & 0x7F) << UInt64(7 * place)
      if byte < 0x80 { return result }
    }
    throw .invalid(part: part)
  }

  /// A count of things that each take at least a byte, so that no count can exceed the bytes left.
  mutating func count(_ part: String) throws(StoredFailureError) -> Int {
    let count = try number(part)
    guard count <= UInt64(remaining) else { throw .truncated(part: part) }
    return Int(count)
  }

  mutating func fixed(_ part: String, bytes count: Int = 8) throws(StoredFailureError) -> UInt64 {
    var result: UInt64 = 0
    for place in 0..<count { result |= UInt64(try byte(part)) << UInt64(8 * place) }
    return result
  }

  mutating func bytes(_ part: String) throws(StoredFailureError) -> ArraySlice<UInt8> {
    let count = try count(part)
    defer { position += count }
    return bytes[position..<(position + count)]
  }

  mutating func text(_ part: String) throws(StoredFailureError) -> String {
    guard let text = String(validating: try bytes(part), as: UTF8.self) else {
      throw .invalid(part: part)
    }
    return text
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

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// A case to replay as a short text: which property it belongs to and which values were chosen.
///
/// The text is `p2_` and, in base64url, four bytes each of the property's hash and of the generator's
/// fingerprint, the choices, and the CRC-32 of all that.
public struct ReplayToken: Sendable, Equatable {
  /// A longer token is not read; Linux hands no longer variable to a program.
  static let maximumTextBytes = (1 << 16) / 3 * 4 + 8

  /// Hash of the property's name.
  public let propertyHash: UInt32
  /// The low half of the fingerprint of the generator that drew the choices.
  public let fingerprint: UInt32
  /// The choices that make the value. Read from a text they have the widest constraints of their
  /// kinds; `Property.replay` gives them with those of the generator.
  public let choices: ChoiceSequence

  /// A case of `property`, drawn by a generator with `fingerprint`.
  public init(property: String, fingerprint: UInt64, choices: ChoiceSequence) {
    propertyHash = ReplayToken.hash(property)
    self.fingerprint = UInt32(truncatingIfNeeded: fingerprint)
    self.choices = choices
  }

  static let prefix = "p2_"

  /// The token as text that can stand in a shell command and a URL.
  public var text: String {
    var writer = BitWriter()
    writer.write(UInt64(propertyHash), bytes: 4)
    writer.write(UInt64(fingerprint), bytes: 4)
    writer.write(choices)
    return ReplayToken.prefix + base64URL(writer.sealed)
  }

  /// Reads a text.
  public init(text: String) throws(ReplayTokenError) {
    guard text.hasPrefix(ReplayToken.prefix) else { throw .notAToken }
    let limit = ReplayToken.maximumTextBytes
    guard text.utf8.count <= limit else { throw .tooLarge(bytes: text.utf8.count, limit: limit) }
    let bytes = try decodedBase64URL(text, from: ReplayToken.prefix.utf8.count)
    guard bytes.count > 12 else { throw .truncated(part: "the choices") }
    var reader = try BitReader(sealed: bytes)
    propertyHash = UInt32(truncatingIfNeeded: try reader.read(bytes: 4))
    fingerprint = UInt32(truncatingIfNeeded: try reader.read(bytes: 4))
    choices = try reader.choices()
  }

  /// Whether it is a case of `property`, as far as the hash of the name tells.
  public func belongs(to property: String) -> Bool {
    propertyHash == ReplayToken.hash(property)
  }

  /// Whether it is a case of `property` and its generator, with `fingerprint`, is still the same, so
  /// that the choices make the same value.
  public func matches(property: String, fingerprint: UInt64) -> Bool {
    belongs(to: property) && self.fingerprint == UInt32(truncatingIfNeeded: fingerprint)
  }

  static func hash(_ property: String) -> UInt32 {
    let hash = stableHash(property)
    return UInt32(truncatingIfNeeded: hash ^ hash >> 32)
  }
}

private let alphabet = Array(
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

/// Bytes as characters that can stand in a shell command and a URL, without padding.
private func base64URL(_ bytes: [UInt8]) -> String {
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
private func decodedBase64URL(_ text: String, from start: Int) throws(ReplayTokenError) -> [UInt8] {
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

/// What is wrong with the text of a token.
public enum ReplayTokenError: Error, Equatable, CustomStringConvertible {
  /// More bytes than any token has.
  case tooLarge(bytes: Int, limit: Int)
  /// The bytes end before `part` does.
  case truncated(part: String)
  /// There are bytes after the end.
  case trailingBytes(Int)
  /// The checksum does not fit the bytes.
  case damaged(expected: UInt32, found: UInt32)
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
      "\(bytes) bytes are more than the \(limit) that a token may have"
    case .truncated(let part): "it ends within \(part); copy it as a whole"
    case .trailingBytes(let count): "\(count) bytes follow after its end; copy nothing but it"
    case .damaged(let expected, let found):
      "its checksum is \(found), but its bytes give \(expected); it was changed or cut"
    case .invalid(let part): "\(part) has a value that this engine never writes"
    case .notAToken: "a token starts with \(ReplayToken.prefix)"
    case .invalidCharacter(let offset): "byte \(offset) is not a character of a token"
    }
  }
}

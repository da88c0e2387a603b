// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// A case to replay as a short text: which property it belongs to and which values were chosen.
///
/// The text is `p2_` and, in base64url, four bytes each of the property's hash and of the generator's
/// fingerprint, the choices without constraints, and the CRC-32 of all that.
public struct ReplayToken: Sendable, Equatable {
  /// A longer token is not read; Linux hands no longer variable to a program.
  public static let maximumBytes = 1 << 16

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
    var writer = StoredByteWriter()
    writer.write(fixed: UInt64(propertyHash), bytes: 4)
    writer.write(fixed: UInt64(fingerprint), bytes: 4)
    writer.bytes.append(contentsOf: choices.bareBytes)
    writer.write(fixed: UInt64(crc32(writer.bytes)), bytes: 4)
    return ReplayToken.prefix + base64URL(writer.bytes)
  }

  /// Reads a text; also that of `StoredFailure.token`, of which the failure key is
  /// left out.
  public init(text: String) throws(StoredFailureError) {
    if text.hasPrefix(StoredFailure.tokenPrefix) {
      let failure = try StoredFailure(token: text)
      self.init(
        property: failure.property, fingerprint: failure.fingerprint, choices: failure.choices)
      return
    }
    guard text.hasPrefix(ReplayToken.prefix) else { throw .notAToken }
    let limit = ReplayToken.maximumBytes / 3 * 4 + 8
    guard text.utf8.count <= limit else { throw .tooLarge(bytes: text.utf8.count, limit: limit) }
    try self.init(bytes: try decodedBase64URL(text, from: ReplayToken.prefix.utf8.count))
  }

  private init(bytes: [UInt8]) throws(StoredFailureError) {
    guard bytes.count > 12 else { throw .truncated(part: "the choices") }
    let body = bytes.dropLast(4)
    var tail = StoredByteReader(bytes.suffix(4))
    let found = UInt32(truncatingIfNeeded: try tail.fixed("the checksum", bytes: 4))
    let expected = crc32(body)
    guard found == expected else { throw .damaged(expected: expected, found: found) }
    var head = StoredByteReader(body)
    propertyHash = UInt32(truncatingIfNeeded: try head.fixed("the property", bytes: 4))
    fingerprint = UInt32(truncatingIfNeeded: try head.fixed("the fingerprint", bytes: 4))
    choices = try ChoiceSequence(bareBytes: body.dropFirst(8))
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

  private static func hash(_ property: String) -> UInt32 {
    let hash = stableHash(property)
    return UInt32(truncatingIfNeeded: hash ^ hash >> 32)
  }
}

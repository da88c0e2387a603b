// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// A shrunk failure as it is kept between runs, and passed on as a token.
public struct StoredFailure: Sendable, Equatable {
  /// Version of the bytes.
  public static let formatVersion: UInt8 = 1
  /// More bytes are neither written nor read.
  public static let maximumBytes = 1 << 20

  /// The property, by a name that stays the same from run to run.
  public var property: String
  /// Fingerprint of the generator that drew the choices.
  public var fingerprint: UInt64
  /// What failed.
  public var key: FailureKey
  /// The choices that make the failing value.
  public var choices: ChoiceSequence

  /// A failure of `property`.
  public init(
    property: String, fingerprint: UInt64, key: FailureKey, choices: ChoiceSequence
  ) {
    self.property = property
    self.fingerprint = fingerprint
    self.key = key
    self.choices = choices
  }

  /// Version byte, property, fingerprint, key, choices, CRC-32.
  public var bytes: [UInt8] {
    var writer = StoredByteWriter()
    writer.bytes.append(StoredFailure.formatVersion)
    writer.write(property)
    writer.write(fixed: fingerprint)
    writer.write(key.law)
    writer.write(key.kind)
    writer.write(key.place)
    let choices = choices.encoded
    writer.write(UInt64(choices.count))
    writer.bytes.append(contentsOf: choices)
    writer.write(fixed: UInt64(crc32(writer.bytes)), bytes: 4)
    return writer.bytes
  }

  /// Reads what `bytes` gave; any other bytes are refused.
  public init(bytes: [UInt8]) throws(StoredFailureError) {
    guard bytes.count <= StoredFailure.maximumBytes else {
      throw .tooLarge(bytes: bytes.count, limit: StoredFailure.maximumBytes)
    }
    guard let version = bytes.first else { throw .truncated(part: "the version") }
    guard version == StoredFailure.formatVersion else {
      throw .otherVersion(found: version, expected: StoredFailure.formatVersion)
    }
    guard bytes.count > 4 else { throw .truncated(part: "the checksum") }
    let body = bytes.dropLast(4)
    var tail = StoredByteReader(bytes.suffix(4))
    let found = UInt32(truncatingIfNeeded: try tail.fixed("the checksum", bytes: 4))
    let expected = crc32(body)
    guard found == expected else { throw .damaged(expected: expected, found: found) }
    var reader = StoredByteReader(body.dropFirst())
    property = try reader.text("the property")
    fingerprint = try reader.fixed("the fingerprint")
    key = FailureKey(
      law: try reader.text("the law"), kind: try reader.text("the kind"),
      place: try reader.text("the place"))
    let encoded = try reader.bytes("the choices")
    do throws(ChoiceSequence.DecodingError) {
      choices = try ChoiceSequence(decoding: Array(encoded))
    } catch {
      throw .choices(error)
    }
    guard reader.remaining == 0 else { throw .trailingBytes(reader.remaining) }
  }

  static let tokenPrefix = "p1_"

  /// The bytes as text that can stand in a shell command and a URL.
  public var token: String { StoredFailure.tokenPrefix + base64URL(bytes) }

  /// Reads a token.
  public init(token: String) throws(StoredFailureError) {
    guard token.hasPrefix(StoredFailure.tokenPrefix) else { throw .notAToken }
    let limit = StoredFailure.maximumBytes / 3 * 4 + 8
    guard token.utf8.count <= limit else {
      throw .tooLarge(bytes: token.utf8.count, limit: limit)
    }
    try self.init(bytes: try decodedBase64URL(token, from: StoredFailure.tokenPrefix.utf8.count))
  }
}

extension Report {
  /// The report on the replay of a stored failure, which still fails and has `message` to say.
  public init(replayed failure: StoredFailure, message: String, seed: UInt64) {
    self.init()
    self.seed = seed
    end = .failed
    findings = [
      Finding(key: failure.key, message: message, choices: failure.choices, caseNumber: 0)
    ]
  }
}

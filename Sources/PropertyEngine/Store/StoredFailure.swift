// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// A shrunk failure as it is kept between runs.
public struct StoredFailure: Sendable, Equatable {
  /// Version of the bytes.
  public static let formatVersion: UInt8 = 2
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
    var writer = BitWriter()
    writer.write(UInt64(StoredFailure.formatVersion), bytes: 1)
    writer.write(text: property)
    writer.write(fingerprint, bytes: 8)
    for text in [key.law, key.kind, key.place] { writer.write(text: text) }
    writer.write(choices)
    return writer.sealed
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
    var reader = try BitReader(sealed: bytes)
    _ = try reader.read(bytes: 1)
    property = try reader.text("the property")
    reader.part = "the fingerprint"
    fingerprint = try reader.read(bytes: 8)
    key = FailureKey(
      law: try reader.text("the law"), kind: try reader.text("the kind"),
      place: try reader.text("the place"))
    choices = try reader.choices()
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
    case .invalid(let part): "\(part) has a value that this engine never writes"
    case .notAToken: "a token starts with \(ReplayToken.prefix)"
    case .invalidCharacter(let offset): "byte \(offset) is not a character of a token"
    }
  }
}

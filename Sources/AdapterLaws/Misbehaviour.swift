// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What an adapter did instead of giving a result or refusing; it breaks whatever law asked.
public struct Misbehaviour: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kinds, by the names in reports.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// The process ended while a request was open.
    case crashed
    /// No answer came within the time limit.
    case hung
    /// The process used more memory than its limit.
    case outOfMemory = "ate memory"
    /// What came is no frame of the protocol, or breaks off within one.
    case garbage
    /// The answer is to another request.
    case wrongID = "wrong id"
    /// An answer came that nothing had asked for.
    case unaskedAnswer = "unasked answer"
    /// The answer is longer than a frame may be.
    case oversized
    /// The frame is whole, but is no answer to what was asked.
    case malformedAnswer = "malformed answer"
  }

  /// The kind.
  public var kind: Kind
  /// What happened, in one line without the kind: what was expected and found, and where the request
  /// is kept.
  public var account: String

  /// Creates a misbehaviour.
  public init(_ kind: Kind, _ account: String) {
    self.kind = kind
    self.account = account
  }

  /// The text shown to people.
  public var description: String { "\(kind.rawValue): \(account)" }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What is wrong with a file of known divergences, and where.
public struct KnownDivergencesError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file.
  public let path: String
  /// The entry by its id, or by its position where it has none; nil for the file as a whole.
  public let entry: String?
  /// The member, such as `violations[0].law`; nil for all of the entry.
  public let field: String?
  /// What would have been right.
  public let expected: String
  /// What stands there.
  public let found: String

  /// The text shown to people.
  public var description: String {
    let place = [path, entry.map { "entry \($0)" }, field].compactMap(\.self)
    return "\(place.joined(separator: ": ")): expected \(expected), found \(found)"
  }
}

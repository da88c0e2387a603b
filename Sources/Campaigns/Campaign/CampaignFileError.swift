// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What is wrong with a file or folder of a campaign.
public struct CampaignFileError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file or folder.
  public let path: String
  /// The member, such as `findings[0].law`; nil for the whole.
  public let field: String?
  /// What would have been right.
  public let expected: String
  /// What is there.
  public let found: String
  /// What helps.
  public let remedy: String

  init(
    _ path: String, field: String? = nil, expected: String, found: String, remedy: String
  ) {
    self.path = path
    self.field = field
    self.expected = expected
    self.found = found
    self.remedy = remedy
  }

  /// The text shown to people.
  public var description: String { "\(problem); \(remedy)" }

  /// What is wrong, without what helps.
  var problem: String {
    let place = [path, field].compactMap(\.self).joined(separator: ": ")
    return "\(place): expected \(expected), found \(found)"
  }
}

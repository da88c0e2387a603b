// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import StrictJSON

/// A file of a campaign that could not be read, and what became of it.
public struct DamagedFile: Sendable, Equatable, CustomStringConvertible {
  /// What is wrong, with the file and the place in it.
  public var reason: String
  /// Where the file was put, unchanged.
  public var keptAt: String
  /// What the campaign did instead of reading it.
  public var consequence: String

  /// The text shown to people.
  public var description: String { "\(reason); kept as \(keptAt); \(consequence)" }
}

extension DamagedFile {
  var state: JSONValue {
    [
      "reason": .string(reason), "keptAt": .string(keptAt), "consequence": .string(consequence),
    ]
  }

  init(_ fields: CampaignFields) throws(CampaignFileError) {
    self.init(
      reason: try fields.string("reason"), keptAt: try fields.string("keptAt"),
      consequence: try fields.string("consequence"))
  }
}

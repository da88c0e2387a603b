// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import StrictJSON

/// What became of one case of a campaign.
struct CampaignRecord: Sendable, Equatable {
  /// Where a case comes from.
  enum Origin: Sendable, Hashable {
    case number(Int)
    /// The token of a case of the corpus.
    case corpus(String)
  }

  var origin = Origin.number(0)
  var phase = CampaignPhase.around
  /// Milliseconds of work of the campaign until then.
  var milliseconds = 0
  /// What `CaseMarks.bytes` gives; empty of a case that is none.
  var marks: [UInt8] = []
  /// How the first law was broken in a way that is not known, if one was.
  var failure: Failure.BrokenLaw?
  /// The causes; nil where they were not looked for or say too little.
  var cause: String?

  /// What tells failures apart.
  var signature: String {
    let failure = failure ?? Failure.BrokenLaw()
    return [failure.law, failure.kind, failure.place, cause ?? ""].joined(separator: " | ")
  }
}

extension CampaignRecord: JSONRecord {
  mutating func members(_ table: inout JSONTable) throws(JSONFieldError) {
    try origin.members(&table)
    try table.member("phase", &phase)
    try table.member("ms", &milliseconds)
    try table.bytes("marks", &marks)
    try table.member("broken", &failure)
    try table.member("cause", &cause)
  }
}

extension CampaignRecord.Origin {
  /// The number or the token, the other of which is null or absent.
  mutating func members(_ table: inout JSONTable) throws(JSONFieldError) {
    var number: Int? = if case .number(let number) = self { number } else { nil }
    var token: String? = if case .corpus(let token) = self { token } else { nil }
    try table.member("case", &number)
    try table.member("token", &token)
    if let token {
      self = .corpus(token)
    } else if let number {
      self = .number(number)
    } else if let source = table.source {
      throw source["case"].error(expected: "the number of a case, or a token")
    }
  }
}

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

  /// How a law was broken in a way that is not known.
  struct Breach: Sendable, Equatable {
    var law = ""
    var kind = ""
    var place = ""
    /// The causes; empty where they were not looked for or say too little.
    var cause = ""
    /// What happened in this case, in one line.
    var summary = ""

    /// What tells failures apart.
    var signature: String { [law, kind, place, cause].joined(separator: " | ") }
  }

  var origin = Origin.number(0)
  var phase = CampaignPhase.around
  /// Milliseconds of work of the campaign until then.
  var milliseconds = 0
  /// What `CaseMarks.bytes` gives; empty of a case that is none.
  var marks: [UInt8] = []
  var failure: Breach?
}

extension CampaignRecord: JSONRecord {
  mutating func members(_ table: inout JSONTable) throws(JSONFieldError) {
    try origin.members(&table)
    try table.member("phase", &phase)
    try table.member("ms", &milliseconds)
    try table.bytes("marks", &marks)
    try table.member("broken", &failure)
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

extension CampaignRecord.Breach: JSONRecord {
  mutating func members(_ table: inout JSONTable) throws(JSONFieldError) {
    try table.member("law", &law)
    try table.member("kind", &kind)
    try table.member("place", &place)
    try table.member("cause", &cause)
    try table.member("summary", &summary)
  }
}

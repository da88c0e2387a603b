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
  /// The causes, where they were looked for.
  var causes: [Cause] = []

  /// What tells failures apart.
  var signature: String {
    let failure = failure ?? Failure.BrokenLaw()
    let cause = Failure.keys(causes).joined(separator: ", ")
    return [failure.law, failure.kind, failure.place, cause].joined(separator: " | ")
  }
}

extension CampaignRecord: JSONRecord {
  mutating func members(_ table: inout JSONTable) throws(JSONFieldError) {
    try origin.members(&table)
    try table.member("phase", &phase)
    try table.member("ms", &milliseconds)
    try table.bytes("marks", &marks)
    try table.member("broken", &failure)
    try table.list("causes", &causes)
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

/// A part of a campaign.
public enum CampaignPhase: String, Sendable, Hashable, CaseIterable {
  /// The plan of the config at full size, without data.
  case planProof = "plan proof"
  /// A sparse layer of the config at full size, with data.
  case fullLayer = "full-size layer"
  /// Cases that earlier campaigns left in the corpus.
  case corpus
  /// Small checkpoints that have the config's relations.
  case around
  /// Checkpoints with the config's numbers of experts or layers, or both, at small widths.
  case exactCounts = "exact counts"
  /// Checkpoints with the config's widths, of few experts and layers.
  case exactWidths = "exact widths"
  /// Small checkpoints of any config.
  case anyConfig = "any config"

  /// Whether only the reference adapter can do it.
  var isOfReference: Bool { self == .planProof || self == .fullLayer }

  /// What the phase does, in one line.
  public var summary: String {
    switch self {
    case .planProof: "the plan of the config at full size is proven, without data"
    case .fullLayer: "a sparse layer at full size is converted and comes back"
    case .corpus: "cases that earlier campaigns left"
    case .around: "small checkpoints with the relations of the config"
    case .exactCounts: "the config's number of experts, of layers, or both, at small widths"
    case .exactWidths: "the config's widths, with few experts and layers"
    case .anyConfig: "small checkpoints of any config"
    }
  }
}

/// What a phase of a campaign has done.
public struct CampaignPhaseTally: Sendable, Equatable {
  /// The phase.
  public var phase = CampaignPhase.planProof
  /// Cases checked; of the proof and the full-size layer, how often it was done.
  public var judged = 0
  /// Cases of which a law was broken in a way that is not known, or that were refuted.
  public var failed = 0
  /// What there is to say, such as how many elements were moved.
  public var note = ""
}

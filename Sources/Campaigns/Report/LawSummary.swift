// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import AdapterLaws
internal import StrictJSON

/// What reports say about a law.
public struct LawSummary: Sendable, Equatable {
  /// The name on the command line.
  public var name = ""
  /// What holds.
  public var statement = ""
  /// Why it must hold.
  public var reason = ""
  /// A real or likely fault that breaks it.
  public var brokenBy = ""

  mutating func members(
    _ table: inout JSONTable, nameAs member: String
  ) throws(JSONFieldError) {
    try table.member(member, &name)
    try table.member("statement", &statement)
    try table.member("reason", &reason)
    try table.member("brokenBy", &brokenBy)
  }
}

extension LawSummary {
  /// The texts of a law.
  public init(_ law: AdapterLaw) {
    self.init(
      name: law.name, statement: law.statement, reason: law.reason, brokenBy: law.brokenBy)
  }
}

/// On how many checkpoints a law was checked, and how.
public struct LawTally: Sendable, Equatable {
  /// The law.
  public var law = LawSummary()
  /// Checkpoints on which it held.
  public var held = 0
  /// Checkpoints about which it says nothing.
  public var notApplicable = 0
  /// Checkpoints on which it was broken in a way that is not known.
  public var broken = 0
  /// Checkpoints on which it was broken as a known divergence says.
  public var known = 0

  /// Checkpoints that the law says something about.
  public var judged: Int { held + broken + known }

  /// Counts a verdict.
  mutating func add(_ mark: Judgement.Mark?) {
    switch mark {
    case .holds: held += 1
    case .broken: broken += 1
    case .known: known += 1
    case .doesNotApply: notApplicable += 1
    case .unjudged, nil: break
    }
  }

  /// Adds what another shard counted.
  mutating func add(_ other: LawTally) {
    held += other.held
    notApplicable += other.notApplicable
    broken += other.broken
    known += other.known
  }
}

extension LawTally: JSONRecord {
  mutating func members(_ table: inout JSONTable) throws(JSONFieldError) {
    try law.members(&table, nameAs: "name")
    table.shown("judged", JSONValue(judged))
    try table.member("held", &held)
    try table.member("broken", &broken)
    try table.member("known", &known)
    try table.member("notApplicable", &notApplicable)
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import AdapterLaws

/// What reports say about a law.
public struct LawSummary: Sendable, Equatable {
  /// The name on the command line.
  public var name: String
  /// What holds.
  public var statement: String
  /// Why it must hold.
  public var reason: String
  /// A real or likely fault that breaks it.
  public var brokenBy: String

  /// Creates a summary of what is no law of an adapter.
  init(name: String, statement: String, reason: String, brokenBy: String) {
    self.name = name
    self.statement = statement
    self.reason = reason
    self.brokenBy = brokenBy
  }

  /// The texts of a law.
  public init(_ law: AdapterLaw) {
    name = law.name
    statement = law.statement
    reason = law.reason
    brokenBy = law.brokenBy
  }
}

/// On how many checkpoints a law was judged, and how.
public struct LawTally: Sendable, Equatable {
  /// The law.
  public var law: LawSummary
  /// Checkpoints on which it held.
  public var held = 0
  /// Checkpoints about which it says nothing.
  public var notApplicable = 0
  /// Checkpoints on which it was broken in a way that is not known.
  public var broken = 0
  /// Checkpoints on which it was broken as a known divergence says.
  public var known = 0

  init(_ law: LawSummary) {
    self.law = law
  }

  /// Checkpoints that the law says something about.
  public var judged: Int { held + broken + known }
}

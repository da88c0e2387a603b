// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import AdapterLaws

/// An adapter with one small mistake, and what a check should say of it.
public struct PlantedFault: Sendable {
  /// What kind of mistake it is.
  public enum Area: String, Sendable, CaseIterable {
    case names = "names and prefixes"
    case numbers = "numbers of experts and layers"
    case mtp = "multi-token prediction layers"
    case transposes
    case halves = "halves and offsets"
    case types = "types and values"
    case scales
    case ranks = "expert-parallel ranks"
    case exclusion
    case streaming = "single tensors"
    case order = "order of keys"
    case state = "state and callers"
    case validation
    case lora = "low-rank factors"
    case other
  }

  /// What a round trip makes of the fault.
  public enum Visibility: Sendable {
    /// Some round trip shows it.
    case plain
    /// It is made alike in both directions, so that every round trip of it is clean.
    case selfConsistent
    /// No correct law can show it, for the reason given.
    case equivalent(String)
  }

  /// The name on the command line.
  public let id: String
  /// What kind of mistake it is.
  public let area: Area
  /// The mistake in one clause.
  public let statement: String
  /// What a round trip makes of it.
  public let visibility: Visibility
  /// What the diagnosis must say for a reader to find the line; nil where that is not known.
  public let words: String?
  /// What sets the smallest checkpoint that can show it apart from the plainest one; nil where that
  /// is not known.
  public let smallest: String?
  /// The adapter that makes the mistake.
  public let adapter: any AdapterUnderTest

  /// Creates a fault that some round trip shows.
  public init(
    _ id: String, _ area: Area, _ statement: String, says words: String? = nil,
    smallest: String? = nil, _ adapter: any AdapterUnderTest
  ) {
    self.init(id, area, statement, .plain, says: words, smallest: smallest, adapter)
  }

  /// Creates a fault.
  public init(
    _ id: String, _ area: Area, _ statement: String, _ visibility: Visibility,
    says words: String? = nil, smallest: String? = nil, _ adapter: any AdapterUnderTest
  ) {
    self.id = id
    self.area = area
    self.statement = statement
    self.visibility = visibility
    self.words = words
    self.smallest = smallest
    self.adapter = adapter
  }

  /// Why no correct law can show it, if that is so.
  public var equivalence: String? {
    if case .equivalent(let reason) = visibility { return reason }
    return nil
  }

  /// Whether every plain round trip of it is clean.
  public var isSelfConsistent: Bool {
    if case .selfConsistent = visibility { return true }
    return false
  }
}

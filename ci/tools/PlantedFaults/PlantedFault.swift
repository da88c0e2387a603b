// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import AdapterLaws
import CheckpointGenerators
public import Layouts

/// An adapter with one small mistake, and what a check should say of it.
public struct PlantedFault: Sendable {
  /// A kind of mistake.
  public struct Area: RawRepresentable, Sendable, Hashable {
    /// The kind in words.
    public let rawValue: String

    /// Creates a kind.
    public init(rawValue: String) {
      self.rawValue = rawValue
    }

    static let names = Area(rawValue: "names and prefixes")
    static let numbers = Area(rawValue: "numbers of experts and layers")
    static let mtp = Area(rawValue: "multi-token prediction layers")
    static let transposes = Area(rawValue: "transposes")
    static let halves = Area(rawValue: "halves and offsets")
    static let types = Area(rawValue: "types and values")
    static let scales = Area(rawValue: "scales")
    static let ranks = Area(rawValue: "expert-parallel ranks")
    static let exclusion = Area(rawValue: "exclusion")
    static let streaming = Area(rawValue: "single tensors")
    static let order = Area(rawValue: "order of keys")
    static let state = Area(rawValue: "state and callers")
    static let validation = Area(rawValue: "missing checks")
    static let lora = Area(rawValue: "low-rank factors")
    static let other = Area(rawValue: "no faults")
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
  /// The mistake in one clause. In the bank, names of tensors are left open, as `FaultWords` says.
  public let statement: String
  /// What a round trip makes of it.
  public let visibility: Visibility
  /// What a layout must have for the fault to have a place in it; nil where that is not said.
  let needs: [FaultNeed]?
  /// What a report must name for a reader to find the line; nil where that is not known.
  let cause: FaultCause?
  /// What sets the smallest checkpoint that can show it apart from the plainest one, or several that are
  /// equally small, with bars between them, as `planted-faults --exhaust` finds them; `fault *` stands
  /// for any kind of invalid checkpoint. Nil where that is not known.
  public let smallest: String?
  /// The law that it is there to break, if there is one that no other fault is there for.
  public let breaks: String?
  /// The adapter that makes the mistake.
  public let adapter: any AdapterUnderTest

  /// Creates a fault of any layout.
  public init(
    _ id: String, _ area: Area, _ statement: String, _ visibility: Visibility,
    _ adapter: any AdapterUnderTest
  ) {
    self.init(id, area, statement, visibility, needs: nil, adapter)
  }

  /// Creates a fault of layouts that have what it needs.
  init(
    _ id: String, _ area: Area, _ statement: String, _ visibility: Visibility = .plain,
    needs: [FaultNeed]? = [], cause: FaultCause? = nil, smallest: String? = nil,
    breaks: String? = nil, _ adapter: any AdapterUnderTest
  ) {
    self.id = id
    self.area = area
    self.statement = statement
    self.visibility = visibility
    self.needs = needs
    self.cause = cause
    self.smallest = smallest
    self.breaks = breaks
    self.adapter = adapter
  }

  /// The same fault of an adapter that is served elsewhere.
  public func served(by adapter: any AdapterUnderTest) -> PlantedFault {
    PlantedFault(
      id, area, statement, visibility, needs: needs, cause: cause, smallest: smallest,
      breaks: breaks, adapter)
  }

  /// Why the fault has no place in a layout, or nil if it has one.
  public func absence(in layout: Layout) -> String? {
    needs?.lazy.compactMap { $0.absence(layout) }.first
  }

  /// The same fault of the bank with the words that a layout has for its tensors; which checkpoint is the smallest
  /// is recorded for the usual layout only.
  public func worded(for layout: Layout) -> PlantedFault {
    guard needs != nil else { return self }
    let isUsual = layout.name == Layout.usual.name
    return PlantedFault(
      id, area, FaultWords(layout: layout).filled(statement), visibility, needs: needs,
      cause: cause,
      smallest: isUsual ? smallest.map { FaultWords(layout: layout).filled($0) } : nil,
      breaks: breaks,
      adapter)
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

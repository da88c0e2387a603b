// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
public import Layouts

/// A statement that every correct adapter obeys on every checkpoint it applies to.
public struct AdapterLaw: Sendable {
  /// The name used on the command line and in reports, such as `round-trip`.
  public let name: String
  /// What holds, in the names of a layout where it has some.
  public private(set) var statement: String
  /// Why it must hold.
  public let reason: String
  /// A real or likely fault that breaks it.
  public let brokenBy: String
  /// Why it is worth its time although other laws notice the same planted faults; nil where it
  /// notices some alone.
  public let worth: String?
  private var stated: (@Sendable (Layout) -> String)?
  private let body: @Sendable (CheckpointUnderTest) throws(Violation) -> Bool

  /// Creates a law.
  ///
  /// - Parameter body: Checks the law on one checkpoint: gives whether the law says anything about
  ///   it, and throws if the law is broken.
  public init(
    _ name: String, statement: String, reason: String, brokenBy: String, worth: String? = nil,
    body: @escaping @Sendable (CheckpointUnderTest) throws(Violation) -> Bool
  ) {
    self.name = name
    self.statement = statement
    self.reason = reason
    self.brokenBy = brokenBy
    self.worth = worth
    self.body = body
  }

  /// Creates a law whose statement follows from the layout, stated for the default one.
  init(
    _ name: String, stated: @escaping @Sendable (Layout) -> String, reason: String,
    brokenBy: String, worth: String? = nil,
    body: @escaping @Sendable (CheckpointUnderTest) throws(Violation) -> Bool
  ) {
    self.init(
      name, statement: stated(.usual), reason: reason,
      brokenBy: brokenBy, worth: worth, body: body)
    self.stated = stated
  }

  /// The same law, stated for a layout.
  public func stated(for layout: Layout) -> AdapterLaw {
    var law = self
    if let stated { law.statement = stated(layout) }
    return law
  }

  /// What a law says about one checkpoint.
  public enum Verdict: Sendable {
    /// The law holds on the checkpoint.
    case holds
    /// The law says nothing about such a checkpoint.
    case doesNotApply
    /// The law is broken, and how.
    case broken(Violation)
  }

  /// Checks the law on one checkpoint.
  public func verdict(on trial: CheckpointUnderTest) -> Verdict {
    do throws(Violation) {
      return try body(trial) ? .holds : .doesNotApply
    } catch {
      return .broken(error)
    }
  }
}

/// All laws, in the order of reports: what says most about a fault comes first.
public enum Laws {
  /// The laws.
  public static let all: [AdapterLaw] =
    mtp + placement + roundTrips + saving + expertParallel + metamorphic + conservation + repetition
    + [invalidInput]

  /// The laws, stated for a layout.
  public static func all(for layout: Layout) -> [AdapterLaw] { all.map { $0.stated(for: layout) } }

  /// The law of a name, or nil.
  public static func named(_ name: String) -> AdapterLaw? {
    all.first { $0.name == name }
  }
}

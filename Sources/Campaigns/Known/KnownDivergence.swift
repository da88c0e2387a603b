// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
public import CheckpointGenerators
public import Layouts

/// Something that one version of an adapter is known to do otherwise than a law says.
public struct KnownDivergence: Sendable, Equatable {
  /// The name, such as `surplus-expert-dropped`.
  public let id: String
  /// What is done, in one line.
  public let title: String
  /// What is done, where in the adapter's code, and what is lost, in a paragraph.
  public let summary: String
  /// The violations that it explains.
  public let violations: [ViolationPattern]
  /// The checkpoints on which it explains them: those with one of the values on each axis.
  public let when: [AxisSelection]
  /// The golden cases that the adapter does not agree with because of it.
  public let goldens: [String]
  /// What the harness says of the minimal checkpoint, in sentences.
  public let diagnosis: [String]
  /// The replay token of the minimal checkpoint, in the space of all checkpoints.
  public let token: String
  /// What is to become of it, such as `report upstream` or `by design`.
  public let decision: String
  private let positions: [ConfigAxis: Set<Int>]

  /// Creates an entry.
  ///
  /// - Throws: `AxisSelectionError` if `when` has an unknown axis or value.
  public init(
    id: String, title: String, summary: String, violations: [ViolationPattern],
    when: [AxisSelection] = [], goldens: [String] = [], diagnosis: [String], token: String,
    decision: String
  ) throws(AxisSelectionError) {
    self.id = id
    self.title = title
    self.summary = summary
    self.violations = violations
    self.when = when
    self.goldens = goldens
    self.diagnosis = diagnosis
    self.token = token
    self.decision = decision
    positions = try CheckpointSpace.positions(when)
  }

  /// Whether this is why a law is broken on a checkpoint.
  func explains(_ law: String, _ violation: Violation, on values: AxisValues) -> Bool {
    violations.contains { $0.matches(law, violation) }
      && positions.allSatisfy { axis, allowed in values[axis].map(allowed.contains) ?? false }
  }
}

/// What is known of one version of an adapter.
public struct KnownDivergences: Sendable, Equatable {
  /// The name of the adapter, as `AdapterUnderTest.name` gives it.
  public let adapter: String
  /// Its version.
  public let version: String
  /// The names of the layouts of whose checkpoints this speaks; tokens are of the first.
  public let layouts: [String]
  /// The command that serves the adapter, for whoever wants to see an entry; nil if it has none.
  public let command: String?
  /// The entries; of several that explain a violation the first counts.
  public internal(set) var entries: [KnownDivergence]

  /// Creates a list.
  public init(
    adapter: String, version: String, layouts: [String] = [Layout.usual.name],
    command: String? = nil, entries: [KnownDivergence]
  ) {
    self.adapter = adapter
    self.version = version
    self.layouts = layouts
    self.command = command
    self.entries = entries
  }

  /// The adapter with its version, and the layout where it is not the usual one.
  public var subject: String {
    let isUsual = layouts.contains(Layout.usual.name)
    return "\(adapter) \(version)\(isUsual ? "" : ", layout \(layouts.joined(separator: ", "))")"
  }

  /// What tells a command that it is about checkpoints of the first layout, if that is not the usual one.
  public var layoutArguments: [String] {
    layouts.first.map { $0 == Layout.usual.name ? [] : ["--layout", $0] } ?? []
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import AdapterLaws
public import CheckpointGenerators
public import Layouts
internal import StrictJSON

/// Something that one version of an adapter is known to do otherwise than a law says.
public struct KnownDivergence: Sendable, Equatable {
  /// The name, such as `surplus-expert-dropped`.
  public var id = ""
  /// What is done, in one line.
  public var title = ""
  /// What is done, where in the adapter's code, and what is lost, in a paragraph.
  public var summary = ""
  /// What is to become of it, such as `report upstream` or `by design`.
  public var decision = ""
  /// The violations that it explains.
  public var violations: [ViolationPattern] = []
  /// The checkpoints on which it explains them: those with one of the values on each axis.
  public var when: [AxisSelection] = []
  /// What the adapter does wrong on them, which is no cause of anything else that fails there.
  public var causes: [CausePattern] = []
  /// The golden cases that the adapter does not agree with because of it.
  public var goldens: [String] = []
  /// What the harness says of the minimal checkpoint, in sentences.
  public var diagnosis: [String] = []
  /// The replay token of the minimal checkpoint, in the space of all checkpoints.
  public var token = ""
  /// The positions of the values in `when`.
  var positions: [ConfigAxis: Set<Int>] = [:]

  /// Whether this is why a law is broken on a checkpoint.
  func explains(_ law: String, _ violation: Violation, on values: AxisValues) -> Bool {
    violations.contains { $0.matches(law, violation) } && concerns(values)
  }

  /// Whether it shows on a checkpoint, if anything is to show there.
  fileprivate func concerns(_ values: AxisValues) -> Bool {
    positions.allSatisfy { axis, allowed in values[axis].map(allowed.contains) ?? false }
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

  /// Whether a cause is known to show on a checkpoint, whatever else fails there.
  func covers(_ cause: Cause, on values: AxisValues) -> Bool {
    entries.contains { entry in
      entry.concerns(values) && entry.causes.contains { $0.covers(cause) }
    }
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

/// Violations by their law, kind and place, in each of which `*` stands for any text.
public struct ViolationPattern: Sendable, Hashable {
  /// The name of the law.
  public var law: String
  /// The way it fails.
  public var kind: String
  /// The class of tensors where it fails.
  public var place: String

  /// Creates a pattern.
  public init(law: String, kind: String = "*", place: String = "*") {
    self.law = law
    self.kind = kind
    self.place = place
  }

  /// Whether a violation of a law is one of these.
  func matches(_ law: String, _ violation: Violation) -> Bool {
    matchesLaw(law) && Self.matches(kind, violation.kind) && Self.matches(place, violation.place)
  }

  /// Whether violations of a law can be among these.
  func matchesLaw(_ name: String) -> Bool { Self.matches(law, name) }

  /// Whether there is a way to fail that is among these, or two faults of one input.
  var hasKind: Bool {
    kind.contains(" and ") || Violation.kinds.contains { Self.matches(kind, $0) }
  }

  /// Whether a pattern stands for a text.
  ///
  /// - Complexity: O(bytes of the pattern × bytes of the text).
  static func matches(_ pattern: String, _ text: String) -> Bool {
    let (pattern, text) = (Array(pattern.utf8), Array(text.utf8))
    var (position, next) = (0, 0)
    // Where the last star is, and how much of the text it does not take.
    var star: (position: Int, next: Int)?
    while next < text.count {
      if position < pattern.count, pattern[position] == UInt8(ascii: "*") {
        star = (position, next)
        position += 1
      } else if position < pattern.count, pattern[position] == text[next] {
        position += 1
        next += 1
      } else if let last = star {
        star = (last.position, last.next + 1)
        (position, next) = (last.position + 1, last.next + 1)
      } else {
        return false
      }
    }
    return pattern[position...].allSatisfy { $0 == UInt8(ascii: "*") }
  }
}

/// Causes by their code and the conversions that do them, at some classes of tensors or all.
public struct CausePattern: Sendable, Hashable {
  /// What is wrong, as ``Diagnosis/Fault/identifier`` has it.
  public var code = ""
  /// The conversions that do it.
  public var direction = Diagnosis.Direction.none
  /// The words for the classes of tensors; empty where any are concerned.
  public var classes: [String] = []

  /// Whether a cause is one of these.
  func covers(_ cause: Cause) -> Bool {
    code == cause.code && direction == cause.direction
      && (classes.isEmpty || !cause.classes.isEmpty && cause.classes.allSatisfy(classes.contains))
  }
}

extension KnownDivergence: JSONRecord {
  mutating func members(_ table: inout JSONTable) throws(JSONFieldError) {
    try table.member("id", &id)
    try table.member("title", &title)
    try table.member("summary", &summary)
    try table.member("decision", &decision)
    try table.member("violations", &violations)
    try table.selections("when", &when)
    try table.list("causes", &causes)
    try table.list("goldens", &goldens)
    try table.member("diagnosis", &diagnosis)
    try table.member("case", &token)
  }
}

extension ViolationPattern: JSONRecord {
  init() { self.init(law: "") }

  mutating func members(_ table: inout JSONTable) throws(JSONFieldError) {
    try table.member("law", &law)
    try table.member("kind", &kind)
    try table.member("place", &place)
  }
}

extension CausePattern: JSONRecord {
  mutating func members(_ table: inout JSONTable) throws(JSONFieldError) {
    try table.member("code", &code)
    try table.member("direction", &direction)
    try table.list("classes", &classes)
  }
}

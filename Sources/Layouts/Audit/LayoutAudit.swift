// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What is wrong with a table, found without data.
///
/// Names, conditions and index formulas are evaluated for small configs that are drawn from the table: every
/// combination of its flags up to a limit, sizes around the numbers that its conditions mention, and layers of
/// every kind. Groups are checked element by element.
public struct LayoutAudit: Sendable {
  /// What is wrong, in the order of the table.
  public let findings: [LayoutFinding]
  /// How many configs were evaluated, over all native forms.
  public let configCount: Int
  /// How many elements of groups were placed.
  public let elementCount: Int

  /// Audits all native forms of a table.
  ///
  /// - Throws: `LayoutError` if the table cannot be read.
  public init(text: String, name: String) throws(LayoutError) {
    let first = try Layout(text: text, name: name)
    var forms = [first]
    for native in first.natives.dropFirst() {
      forms.append(try Layout(text: text, name: name, native: native))
    }
    self.init(forms)
  }

  /// Audits a known table.
  public init(named name: String) throws(LayoutError) {
    let first = try Layout.named(name)
    var forms: [Layout] = []
    for native in first.natives { forms.append(try Layout.named(name, native: native)) }
    self.init(forms)
  }

  private init(_ forms: [Layout]) {
    var inForms: [[LayoutFinding]] = []
    var (configs, elements) = (0, 0)
    for layout in forms {
      var run = AuditRun(layout)
      run.all()
      inForms.append(run.findings)
      configs += run.configs.count
      elements += run.elementCount
    }
    var result: [LayoutFinding] = []
    for (layout, findings) in zip(forms, inForms) {
      for var finding in findings {
        // What all forms share is said once and of none.
        let isShared = inForms.allSatisfy { $0.contains(finding) }
        if !isShared { finding.native = layout.native }
        if !result.contains(finding) { result.append(finding) }
      }
    }
    self.findings = Self.sorted(result)
    configCount = configs
    elementCount = elements
  }

  private static func sorted(_ findings: [LayoutFinding]) -> [LayoutFinding] {
    findings.enumerated().sorted { one, other in
      (one.element.error.line ?? 0, one.offset) < (other.element.error.line ?? 0, other.offset)
    }.map(\.element)
  }
}

/// The audit of one native form.
struct AuditRun {
  let layout: Layout
  let configs: [AuditConfig]
  var findings: [LayoutFinding] = []
  var elementCount = 0

  init(_ layout: Layout) {
    self.layout = layout
    configs = AuditConfig.drawn(for: layout)
  }

  mutating func all() {
    guard !configs.isEmpty else {
      report(
        .config, layout.marks.fields["sizes"], expected: "sizes for which every shape has extents",
        found: AuditConfig.refusal(of: layout) ?? "none among those drawn")
      return
    }
    checkConfigs()
    checkUse()
    checkModules()
    checkPresence()
    checkNames()
    checkReading()
    checkGroups()
  }

  /// Adds a finding, each place and demand once.
  mutating func report(
    _ demand: LayoutFinding.Demand, _ mark: TableMark?, expected: String, found: String
  ) {
    let mark = mark ?? TableMark(table: layout.name, line: nil, field: "the table")
    let isKnown = findings.contains {
      $0.demand == demand && $0.error.field == mark.field && $0.error.line == mark.line
    }
    guard !isKnown else { return }
    findings.append(
      LayoutFinding(
        demand: demand,
        error: LayoutError(
          table: mark.table, line: mark.line, field: mark.field, expected: expected, found: found)))
  }

  func mark(ofTensor position: Int) -> TableMark { layout.marks.tensors[position] }

  /// The name of a rule, with `{e}` for an expert's number.
  func text(_ name: NamePattern) -> String {
    name.end.map { "\(name.start){e}\($0)" } ?? name.start
  }
}

/// A fault of a table that can be read.
public struct LayoutFinding: Sendable, Hashable, CustomStringConvertible {
  /// What is demanded of every table.
  public enum Demand: String, Sendable, Hashable, CaseIterable {
    /// No two elements on disk share a place in native form.
    case injective
    /// The tensors on disk fill every native group.
    case complete
    /// Every native name leads back to its tensor on disk.
    case reversible
    /// No two tensors share a name on disk.
    case distinctOnDisk = "distinct on disk"
    /// No two tensors share a native name.
    case distinctNatively = "distinct natively"
    /// No native name that differs is another tensor's name on disk.
    case idempotent
    /// Every rule concerns the tensors of some config.
    case noDeadRule = "no dead rule"
    /// No rule is hidden by another, and every name is read as its own rule.
    case noShadowedRule = "no shadowed rule"
    /// Index letters are used, and none is the letter of another size.
    case letters
    /// Every size, flag and low-rank factor is used.
    case used
    /// A config of any sizes can be written and read again.
    case config
  }

  /// What is not met.
  public let demand: Demand
  /// The native form in which it is not, or nil where it concerns them all.
  public internal(set) var native: String?
  /// Where.
  public let error: LayoutError

  /// The text shown to people.
  public var description: String {
    "\(error)\(native.map { " (native form \($0))" } ?? "")"
  }
}

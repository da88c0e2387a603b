// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import AdapterLaws
internal import Adapters
internal import CheckpointGenerators
internal import Layouts
internal import StrictJSON
internal import Tensors

/// Something that an adapter does wrong, for machines: what, in which conversions, and where on one
/// checkpoint.
///
/// Failures, sightings of campaigns and known divergences are compared by these, never by sentences.
public struct Cause: Sendable, Hashable {
  /// What is wrong, as ``Diagnosis/Fault/identifier`` has it.
  public var code = ""
  /// The conversions that do it.
  public var direction = Diagnosis.Direction.none
  /// Whether the code says what the adapter does wrong, not only what comes of it.
  public var isTelling = false
  /// The words for the classes of tensors; empty where all are concerned.
  public var classes: [String] = []
  /// The layers.
  public var layers: [Int] = []
  /// The experts; empty where all are concerned.
  public var experts: [Int] = []
  /// The keys of the outputs.
  public var tensors: [String] = []

  /// What is the same on all checkpoints that show the cause.
  var key: String {
    // Which conversion loses a value depends on what the law looked at.
    code.hasPrefix("value.") ? code : "\(code) \(direction.rawValue)"
  }
}

extension Cause {
  /// A cause that the diagnosis found.
  public init(_ finding: Diagnosis.Finding) {
    self.init(
      code: finding.code.fault.identifier, direction: finding.code.direction,
      isTelling: finding.code.fault.isTelling, classes: finding.classes, layers: finding.layers,
      experts: finding.experts, tensors: finding.tensors.map(\.text))
  }
}

extension Cause {
  /// The checks that an adapter lacks which took an invalid checkpoint: one for each thing that should have
  /// been said of its keys, whatever kind of invalid checkpoint it was.
  static func missingChecks(_ violation: Violation, _ spec: CheckpointSpec) -> [Cause] {
    let checkpoint = Checkpoint(spec)
    let inputs = FaultyCheckpoint.each(of: checkpoint) + [FaultyCheckpoint(checkpoint)]
    let isOfCheck =
      violation.place != "state" && violation.kind != Violation.Kind.anyFault.rawValue
    let offences = isOfCheck ? inputs.first { $0.kind == violation.kind }?.offences ?? [] : []
    let codes = offences.map { $0.codes.map(\.rawValue).sorted().joined(separator: " or ") }
    // One check may be missing in both directions, and in what a refusal says.
    return Set(codes.filter { !$0.isEmpty }).sorted().map {
      Cause(code: "unchecked: \($0)", isTelling: true)
    }
  }
}

extension Diagnosis.Direction: JSONMember {}

extension Cause: JSONRecord {
  mutating func members(_ table: inout JSONTable) throws(JSONFieldError) {
    try table.member("code", &code)
    try table.member("direction", &direction)
    try table.member("telling", &isTelling)
    try table.member("classes", &classes)
    try table.member("layers", &layers)
    try table.member("experts", &experts)
    try table.member("tensors", &tensors)
  }
}

extension Failure {
  /// What the causes are that say enough, whatever the checkpoint, in one order.
  static func keys(_ causes: [Cause]) -> [String] {
    Set(causes.filter(\.isTelling).map(\.key)).sorted()
  }

  /// The causes as text that is the same on all checkpoints that show them, if they say enough.
  public var cause: String? {
    let keys = Self.keys(causes)
    return keys.isEmpty ? nil : keys.joined(separator: ", ")
  }

  /// What failures of one cause have in common, by codes.
  private var traits: Set<String> {
    // Which law and step an adapter fails at that fails at times is chance.
    if flakiness != nil { return ["flaky"] }
    let keys = Self.keys(causes)
    if !keys.isEmpty { return Set(keys) }
    guard !causes.isEmpty else { return ["\(law.name) | \(kind) | \(place)"] }
    // What comes of a mistake may come of another, too, but not at the same place.
    return Set(
      causes.map { cause in
        let place = cause.classes.isEmpty ? token ?? "" : cause.classes.joined(separator: ", ")
        return "\(cause.key) | \(place)"
      })
  }

  /// The failures of one cause together, those of the cause that comes first in front.
  ///
  /// A failure that has all causes of another and more is one of that other's.
  static func groups(_ failures: [Failure]) -> [[Failure]] {
    let traits = failures.map(\.traits)
    let leaders = traits.map { own in
      traits.indices.filter { traits[$0].isSubset(of: own) }
        .min { (traits[$0].count, $0) < (traits[$1].count, $1) }
    }
    var groups: [(leader: Int?, failures: [Failure])] = []
    for (failure, leader) in zip(failures, leaders) {
      if let group = groups.firstIndex(where: { $0.leader == leader }) {
        groups[group].failures.append(failure)
      } else {
        groups.append((leader, [failure]))
      }
    }
    return groups.map(\.failures)
  }

  /// The axes on which no checkpoint has the plainest value of the layout, with the values that they have.
  static func sharedValues(_ axes: [JSONObject], _ layout: Layout?) -> [AxisSelection] {
    let plain = AxisValues(.plainest(of: layout ?? .usual))
    return ConfigAxis.allCases.compactMap { axis in
      let labels = axes.map { $0[axis.name]?.stringValue }
      guard let usual = plain[axis], !labels.isEmpty, !labels.contains(nil),
        !labels.contains(axis.values[usual])
      else { return nil }
      return AxisSelection(axis.name, axis.values.filter { labels.contains($0) })
    }
  }
}

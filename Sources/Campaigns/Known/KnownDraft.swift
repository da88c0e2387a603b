// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CheckpointGenerators
internal import Layouts
public import StrictJSON

/// A file of known divergences made of a report, in which a person has to write what they mean.
///
/// There is one entry for each cause, with `title`, `summary` and `decision` empty. It explains the
/// violations that the report names as failures of that cause and those that the minimal checkpoints
/// show beside, unless they are failures of another cause, and holds where checkpoints have what all of
/// these have and the plainest one has not.
public struct KnownDraft: Sendable {
  /// The file, which cannot be read as one before the texts are written.
  public let json: JSONValue
  /// The number of entries.
  public var count: Int { json["entries"]?.arrayValue?.count ?? 0 }

  /// Makes a file of the document that `hymt2 check --no-known --json` writes.
  ///
  /// - Parameter path: What errors call the report.
  /// - Throws: `DocumentError`.
  public init(report bytes: [UInt8], path: String) throws(DocumentError) {
    let report = try KnownDivergences.document(bytes, path)
    var failures: [DraftedFailure] = []
    var object: JSONObject = ["schemaVersion": JSONValue(KnownDivergences.schemaVersion)]
    do throws(JSONFieldError) {
      guard report["command"].json == "check" else {
        throw report["command"].error(
          expected: "'check', as in a report of 'hymt2 check --json'")
      }
      guard let version = report["adapterVersion"].present else {
        throw report["adapterVersion"].error(
          expected: "a version, without which nothing can be known of an adapter")
      }
      for element in try report["failures"].elements() {
        failures.append(try DraftedFailure(element))
      }
      object["adapter"] = .string(try report["adapter"].text())
      object["version"] = version
    } catch {
      throw DocumentError(path, error)
    }
    let layout = report["layout"].json?.stringValue
    let groups = Dictionary(grouping: failures, by: \.group).sorted { $0.key < $1.key }
    var ids: Set<String> = []
    let entries = groups.map { number, group in
      let others = Set(failures.filter { $0.group != number }.map(\.violation))
      return Self.entry(group, others: others, layout.flatMap { Layout.known($0) }, ids: &ids)
    }
    if let layout { object["layouts"] = .strings([layout]) }
    object["entries"] = .array(entries)
    json = .object(object)
  }

  private static func entry(
    _ group: [DraftedFailure], others: Set<ViolationPattern>, _ layout: Layout?,
    ids: inout Set<String>
  ) -> JSONValue {
    var violations: [ViolationPattern] = []
    for failure in group {
      let beside = failure.beside.filter { !others.contains($0) }
      for violation in [failure.violation] + beside where !violations.contains(violation) {
        violations.append(violation)
      }
    }
    let first = group[0]
    return KnownDivergence(
      id: id(of: first.violation, &ids), violations: violations, when: when(group, layout),
      causes: first.causes,
      diagnosis: first.diagnosis, token: first.token
    ).json(isWhole: true)
  }

  /// The values other than the plainest of each axis on which no failing checkpoint has that; nothing where none
  /// of them was shrunk to the end, so that they have more in common than what makes them fail.
  private static func when(_ group: [DraftedFailure], _ layout: Layout?) -> [AxisSelection] {
    guard group.contains(where: \.isMinimal) else { return [] }
    let plain = AxisValues(.plainest(of: layout ?? .usual))
    return Failure.sharedValues(group.map(\.axes), layout).compactMap { selection in
      let axis = ConfigAxis.allCases.first { $0.name == selection.axis }
      guard let axis, let usual = plain[axis] else { return nil }
      return AxisSelection(axis.name, axis.values.filter { $0 != axis.values[usual] })
    }
  }

  /// A name of words of the violation that no other entry has.
  private static func id(of violation: ViolationPattern, _ ids: inout Set<String>) -> String {
    let text = "\(violation.law) \(violation.kind) \(violation.place)".lowercased()
    let words = text.split { character in
      !(character.isASCII && (character.isLetter || character.isNumber))
    }
    let name = words.prefix(8).joined(separator: "-")
    var id = name
    var number = 1
    while !ids.insert(id).inserted {
      number += 1
      id = "\(name)-\(number)"
    }
    return id
  }
}

/// What a draft needs of a failure.
private struct DraftedFailure {
  let group: Int
  let violation: ViolationPattern
  /// What else is broken on the minimal checkpoint and is not known.
  let beside: [ViolationPattern]
  let diagnosis: [String]
  let causes: [CausePattern]
  let token: String
  /// The labels of the checkpoint's values by axis.
  let axes: JSONObject
  /// Whether nothing could be left out of the checkpoint any more.
  let isMinimal: Bool

  init(_ field: JSONField) throws(JSONFieldError) {
    group = try field["group"].count()
    violation = try ViolationPattern(field)
    let diagnosis = try field["diagnosis"].strings()
    self.diagnosis = diagnosis.isEmpty ? [try field["summary"].string()] : diagnosis
    causes = field["causes"].json == nil ? [] : try [CausePattern](field["causes"])
    token = try field["token"].string()
    axes = field["axes"].json?.objectValue ?? JSONObject()
    let discovery = field["discovery"].json
    isMinimal =
      discovery?["asFound"]?.boolValue == false && discovery?["stoppedEarly"]?.boolValue == false
    var beside: [ViolationPattern] = []
    for element in try field["brokenLaws"].elements() where element["known"].present == nil {
      beside.append(try ViolationPattern(element))
    }
    self.beside = beside
  }
}

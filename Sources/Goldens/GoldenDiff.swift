// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import AdapterLaws
import OrderedCollections
import Tensors

/// How one set differs from another: in cases, descriptions and tensors, not in bytes.
public struct GoldenDiff: Sendable {
  /// How one case differs that both sets have.
  public struct Change: Sendable {
    /// The name of the case.
    public let id: String
    /// Whether the facts about the case differ.
    public let hasOtherDescription: Bool
    /// The state dicts that differ, and how.
    public let mismatches: [GroupChange]

    /// Codes of what happened, `description` where facts about the case differ.
    public var causes: [String] {
      let codes = mismatches.flatMap(\.findings.first).map(\.code.fault.identifier).unique
      return (hasOtherDescription ? ["description"] : []) + codes
    }
  }

  /// How one state dict of a case differs.
  public struct GroupChange: Sendable {
    /// Which one it is.
    public let role: GoldenRole
    /// What differs.
    public let mismatch: Mismatch
    /// What happened, in the words of the diagnosis.
    public let findings: DiffCauses.Findings
    /// The tensors that differ of those that both have.
    public let differences: [CheckpointDiff.Difference]
  }

  /// The cases of the new set that the old one does not have.
  public let added: [String]
  /// The cases of the old set that the new one does not have.
  public let removed: [String]
  /// The cases that differ.
  public let changed: [Change]
  /// The versions of libraries that differ, old before new.
  public let versions: [(name: String, old: String, new: String)]

  /// Whether there is no difference.
  public var isEmpty: Bool {
    added.isEmpty && removed.isEmpty && changed.isEmpty && versions.isEmpty
  }

  /// Compares two sets; files of equal SHA-256 are not opened.
  ///
  /// - Throws: `GoldenError`, `HDF5Error`.
  public init(
    old: GoldenSet, new: GoldenSet, matching filter: String? = nil
  ) throws {
    let chosen = try filter.map { filter throws(GoldenError) in
      let ids = [old, new].flatMap { $0.manifest.entries.filter { $0.matches(filter) } }.map(\.id)
      // A filter that chooses nothing is a mistake.
      if ids.isEmpty { _ = try new.entries(matching: filter) }
      return Set(ids)
    }
    func isChosen(_ entry: GoldenManifest.Entry) -> Bool { chosen?.contains(entry.id) ?? true }
    let newEntries = new.manifest.entries.filter(isChosen)
    let oldEntries = old.manifest.entries.filter(isChosen)
    let before = Dictionary(uniqueKeysWithValues: oldEntries.map { ($0.id, $0) })
    let after = Set(newEntries.map(\.id))
    added = newEntries.map(\.id).filter { before[$0] == nil }
    removed = oldEntries.map(\.id).filter { !after.contains($0) }
    var changed: [Change] = []
    for entry in newEntries {
      guard let other = before[entry.id] else { continue }
      _ = (try old.bytes(of: other), try new.bytes(of: entry))
      guard other.fileDigest != entry.fileDigest else { continue }
      changed.append(Change(try old.read(other), try new.read(entry)))
    }
    self.changed = changed
    let versions = Dictionary(
      uniqueKeysWithValues: old.manifest.versions.map { ($0.name, $0.version) })
    self.versions = new.manifest.versions.compactMap { name, version in
      versions[name] == version ? nil : (name, versions[name] ?? "none", version)
    }
  }
}

extension GoldenDiff {
  /// Cases that differ, each with the codes of its causes; `added` and `removed` are causes, too.
  public var causes: [(id: String, causes: [String])] {
    (added.map { ($0, ["added"]) } + removed.map { ($0, ["removed"]) }
      + changed.map { ($0.id, $0.causes) }).sorted { $0.0 < $1.0 }
  }

  /// The cases whose causes are all among some.
  public func cases(of chosen: [String]) -> [String] {
    causes.filter { one in one.causes.allSatisfy(chosen.contains) }.map(\.id)
  }
}

extension GoldenDiff.Change {
  fileprivate init(_ old: GoldenCase, _ new: GoldenCase) {
    id = new.description.id
    hasOtherDescription = TensorName(old.description.text) != TensorName(new.description.text)
    mismatches = GoldenRole.allCases.compactMap { role in
      Mismatch(expected: old[role], found: new[role]).map {
        let causes = new.description.causes(
          $0, expected: old[role], found: new[role], isNative: new.description.isNative(role))
        return GoldenDiff.GroupChange(
          role: role, mismatch: $0, findings: new.description.findings(causes),
          differences: causes.differences)
      }
    }
  }
}

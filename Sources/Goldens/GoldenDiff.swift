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
    public let mismatches: [(role: GoldenRole, mismatch: Mismatch)]
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
    let newEntries = try filter == nil ? new.manifest.entries : new.entries(matching: filter)
    let oldEntries =
      filter == nil
      ? old.manifest.entries
      : old.manifest.entries.filter { entry in newEntries.contains { $0.id == entry.id } }
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

extension GoldenDiff.Change {
  fileprivate init(_ old: GoldenCase, _ new: GoldenCase) {
    id = new.description.id
    hasOtherDescription = TensorName(old.description.text) != TensorName(new.description.text)
    mismatches = GoldenRole.allCases.compactMap { role in
      Mismatch(expected: old[role], found: new[role]).map { (role, $0) }
    }
  }
}

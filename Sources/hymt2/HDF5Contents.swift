// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Goldens
import HDF5
import OrderedCollections
import StrictJSON
import Tensors

/// What is in an HDF5 file of the kinds that this package writes.
struct HDF5Contents {
  private let path: String
  private let root: HDF5Group<StoredTensor>

  /// Opens a file, checks that every object in it is of an allowed kind and, of a golden file, that
  /// all digests are right.
  ///
  /// - Throws: `HDF5Error`, `GoldenError`.
  init(_ path: String) throws {
    self.path = path
    try Self.checkManifest(of: path)
    let file = try InspectedFile(path: path)
    root = file.root
    try file.close()
    if case .text("hymt2-golden")? = root.attributes["format"] {
      _ = try GoldenCase(contentsOf: path)
    }
  }

  /// Compares a file of a set with the set's manifest: damaged links of large groups can crash
  /// libhdf5 1.10.8, which releases a table that it has not filled.
  private static func checkManifest(of path: String) throws(GoldenError) {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    let folder = parts.count > 1 ? parts.dropLast().joined(separator: "/") : "."
    guard let set = try? GoldenSet(path: folder),
      let entry = set.manifest.entries.first(where: { $0.fileName == parts.last.map(String.init) })
    else { return }
    try set.check(entry)
  }

  /// Whether a path is that of an HDF5 file by its name.
  static func isNamed(_ path: String) -> Bool { path.hasSuffix(".h5") || path.hasSuffix(".hdf5") }

  func report(to console: Console, isSummary: Bool) {
    let rows = rows(root, at: [])
    console.print("\(path): \(countText(rows.count)) tensors")
    for (name, value) in root.attributes { console.print("  \(name) = \(Self.text(value))") }
    let width = rows.map(\.path.count).max() ?? 0
    for row in isSummary ? [] : rows {
      console.print(
        "  \(row.path.padded(to: width))  \(row.type.padded(to: 8)) \(row.tensor.shape)")
    }
    let byteCount = rows.reduce(0) { $0 + $1.tensor.byteCount }
    console.print("  \(countText(byteCount)) bytes of data")
    console.printDocument(
      "inspect", holds: true,
      [
        ("tensors", JSONValue(rows.count)), ("bytes", JSONValue(byteCount)),
        (
          "attributes",
          .object(
            JSONObject(
              root.attributes.map { ($0.key.text, JSONValue.string(Self.text($0.value))) }))
        ),
        (
          "list",
          .array(
            (isSummary ? [] : rows).map { row in
              [
                "name": .string(row.path), "type": .string(row.type),
                "shape": .array(row.tensor.shape.extents.map { JSONValue($0) }),
              ]
            })
        ),
      ])
  }

  private typealias Row = (path: String, type: String, tensor: StoredTensor)

  private func rows(_ group: HDF5Group<StoredTensor>, at path: [TensorName]) -> [Row] {
    let inner = group.groups.flatMap { rows($0.value, at: path + [$0.key]) }
    return inner
      + group.datasets.map { name, dataset in
        let path = (path + [name]).map(\.text).joined(separator: "/")
        guard case .text(let dtype)? = dataset.attributes["dtype"] else {
          return (path, "u\(8 * dataset.data.elementByteCount)", dataset.data)
        }
        return (path, dtype, dataset.data)
      }
  }

  private static func text(_ value: HDF5Attribute) -> String {
    switch value {
    case .text(let text): text
    case .number(let number): "\(number)"
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Goldens
import StrictJSON
import Tensors

/// What is in one file of a set of golden files.
struct GoldenContents {
  private let path: String
  private let golden: GoldenCase
  private let rows: [(name: String, tensor: Tensor)]

  /// Reads a file whose SHA-256 a manifest beside it has, for libhdf5 is not made for other files,
  /// and checks all digests in it.
  ///
  /// - Throws: `HDF5Error`, `GoldenError`.
  init(_ path: String) throws {
    self.path = path
    let parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    let folder = parts.count > 1 ? parts.dropLast().joined(separator: "/") : "."
    let set = try GoldenSet(path: folder)
    guard let entry = set.manifest.entries.first(where: { $0.fileName == parts.last }) else {
      throw CommandError(
        "\(path): expected a golden file whose SHA-256 '\(folder)/\(GoldenFormat.manifestName)' "
          + "has, found another; inspect it as part of its set")
    }
    golden = try set.read(entry)
    rows = golden.groups.flatMap { role, tensors in
      tensors.map { ("\(role.rawValue)/\($0.name)", $0.tensor) }
        .sorted { TensorName($0.0) < TensorName($1.0) }
    }
  }

  /// Whether a path is that of an HDF5 file by its name.
  static func isNamed(_ path: String) -> Bool { path.hasSuffix(".h5") || path.hasSuffix(".hdf5") }

  private var attributes: [(String, String)] {
    [
      ("case", golden.description.text), ("content_sha256", "\(golden.digest)"),
      ("format", GoldenFormat.fileFormat), ("format_version", "\(GoldenFormat.version)"),
    ]
  }

  func report(to console: Console, isSummary: Bool) {
    console.print("\(path): \(countText(rows.count)) tensors")
    for (name, value) in attributes { console.print("  \(name) = \(value)") }
    let width = rows.map(\.name.count).max() ?? 0
    for (name, tensor) in isSummary ? [] : rows {
      let type = tensor.dtype.rawValue.padded(to: 8)
      console.print("  \(name.padded(to: width))  \(type) \(tensor.shape)")
    }
    let byteCount = rows.reduce(0) { $0 + $1.tensor.byteCount }
    console.print("  \(countText(byteCount)) bytes of data")
    console.printDocument(
      "inspect", holds: true,
      [
        ("tensors", JSONValue(rows.count)), ("bytes", JSONValue(byteCount)),
        ("attributes", .object(JSONObject(attributes.map { ($0.0, .string($0.1)) }))),
        (
          "list",
          .array(
            (isSummary ? [] : rows).map { name, tensor in
              [
                "name": .string(name), "type": .string(tensor.dtype.rawValue),
                "shape": .array(tensor.shape.extents.map { JSONValue($0) }),
              ]
            })
        ),
      ])
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Campaigns
import Goldens
import StrictJSON
import Tensors

/// What is in one file of a set of golden files.
struct GoldenContents {
  private let path: String
  private let golden: GoldenCase
  private let infos: [TensorInfo]

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
    infos = golden.groups.flatMap { role, tensors in
      tensors.map { TensorInfo("\(role.rawValue)/\($0.name)", $0.tensor.dtype, $0.tensor.shape) }
        .sorted { $0.name < $1.name }
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

  func report(to console: Console, isSummary: Bool) throws {
    console.print(path, attributes, infos, isSummary: isSummary)
    let byteCount = try TensorTotals(infos).byteCount
    console.print("  \(grouped(byteCount)) bytes of data")
    console.printDocument(
      "inspect", holds: true,
      [
        "tensors": JSONValue(infos.count), "bytes": JSONValue(byteCount),
        "attributes": .object(JSONObject(attributes.map { ($0.0, .string($0.1)) })),
        "list": .array(isSummary ? [] : infos.map { $0.json(typeAs: "type") }),
      ])
  }
}

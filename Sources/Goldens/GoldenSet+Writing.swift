// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Digests
internal import StrictJSON

#if canImport(Glibc)
internal import Glibc
#else
internal import Musl
#endif

extension GoldenSet {
  /// Writes cases and their manifest to a new folder and opens the set.
  ///
  /// - Throws: `GoldenError`, `HDF5Error`; a folder that is left unfinished has no manifest.
  public init(writing cases: [GoldenCase], to path: String, generator: String) throws {
    guard unsafe mkdir(path, 0o777) == 0 else {
      throw GoldenFolder.error(path, "make the folder")
    }
    let sorted = cases.sorted { $0.description.id < $1.description.id }
    var entries: [JSONValue] = []
    for golden in sorted {
      let name = golden.description.id + GoldenFormat.fileSuffix
      try golden.write(to: "\(path)/\(name)")
      let bytes = try GoldenFolder.bytes(
        "\(path)/\(name)", atMost: GoldenFormat.maximumFileByteCount)
      entries.append([
        "bytes": JSONValue(bytes.count), "content_sha256": .string("\(golden.digest)"),
        "file": .string(name),
        "flags": .array(golden.description.flags.map { .string($0) }),
        "id": .string(golden.description.id),
        // Bytes have no padding that could be read uninitialized.
        "sha256": .string("\(unsafe SHA256.hash(bytes.span.bytes))"),
        "verdict": .string(golden.description.verdict.rawValue),
      ])
    }
    let manifest: JSONValue = [
      "cases": .array(entries), "format": .string(GoldenFormat.setFormat),
      "format_version": JSONValue(GoldenFormat.version), "generator": .string(generator),
      "versions": [:],
    ]
    try GoldenFolder.write(
      manifest.bytes(.python), toNew: "\(path)/\(GoldenFormat.manifestName)")
    try self.init(path: path)
  }
}

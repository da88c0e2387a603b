// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Digests
internal import Tensors

/// A folder of golden files that is whole: every file of the manifest is there, and nothing else.
public struct GoldenSet: Sendable {
  /// The path of the folder.
  public let path: String
  /// What the folder holds.
  public let manifest: GoldenManifest

  /// Opens a set and compares the names in the folder with the manifest; no golden file is read.
  ///
  /// - Throws: `GoldenError` for the first fault.
  public init(path: String) throws(GoldenError) {
    self.path = path
    let manifestPath = "\(path)/\(GoldenFormat.manifestName)"
    let bytes = try GoldenFolder.bytes(
      manifestPath, atMost: GoldenFormat.maximumManifestByteCount)
    manifest = try GoldenManifest(parsing: bytes, path: manifestPath)
    let names = try GoldenFolder.names(in: path)
    let files = Set(manifest.entries.map(\.fileName))
    for entry in manifest.entries where !names.contains(entry.fileName) {
      throw GoldenError(
        .missingFile, "\(path)/\(entry.fileName)", expected: "the file of case '\(entry.id)'",
        found: "none")
    }
    let known = [GoldenFormat.manifestName, GoldenFormat.readmeName]
    for name in names.sorted() where !files.contains(name) && !known.contains(name) {
      throw GoldenError(
        .orphan, "\(path)/\(name)", expected: "only files that the manifest names",
        found: "another", remedy: "remove it, or propose the set anew")
    }
  }

  /// The cases whose names contain a text, sorted by name; all for nil.
  ///
  /// - Throws: `GoldenError` if there is none.
  public func entries(matching filter: String?) throws(GoldenError) -> [GoldenManifest.Entry] {
    guard let filter else { return manifest.entries }
    let found = manifest.entries.filter { entry in
      entry.id.contains(filter) || entry.flags.contains(filter)
    }
    guard !found.isEmpty else {
      throw GoldenError(
        .unknownCase, path,
        expected: "a case whose name contains '\(filter)', or that has the flag",
        found: "none", remedy: "list the cases")
    }
    return found
  }

  /// Reads a case whose file has the size and the SHA-256 that the manifest says, which is checked
  /// before libhdf5 sees a byte of it.
  ///
  /// - Throws: `GoldenError`, `HDF5Error`.
  public func read(_ entry: GoldenManifest.Entry) throws -> GoldenCase {
    let path = path(of: entry)
    try check(entry)
    let golden = try GoldenCase(contentsOf: path)
    guard golden.description.id == entry.id, golden.description.verdict == entry.verdict,
      golden.description.flags == entry.flags
    else {
      throw GoldenError(
        .malformedFile, path, expected: "the case '\(entry.id)' with the manifest's flags",
        found: "'\(golden.description.id)', \(golden.description.flags)")
    }
    guard golden.digest == entry.contentDigest else {
      throw GoldenError(
        .wrongContent, path, expected: "content of SHA-256 \(entry.contentDigest)",
        found: "\(golden.digest)")
    }
    return golden
  }

  /// The path of a case's file.
  public func path(of entry: GoldenManifest.Entry) -> String { "\(path)/\(entry.fileName)" }

  /// Compares size and SHA-256 of a file with the manifest.
  ///
  /// - Throws: `GoldenError`.
  public func check(_ entry: GoldenManifest.Entry) throws(GoldenError) {
    let path = path(of: entry)
    // A file that is too large is refused before memory is taken for it.
    let limit = min(entry.byteCount, GoldenFormat.maximumFileByteCount)
    let bytes = try GoldenFolder.bytes(path, atMost: limit)
    guard bytes.count == entry.byteCount else {
      throw GoldenError(
        .wrongFile, path, expected: "\(entry.byteCount) bytes", found: "\(bytes.count)")
    }
    // Bytes have no padding that could be read uninitialized.
    let digest = unsafe SHA256.hash(bytes.span.bytes)
    guard digest == entry.fileDigest else {
      throw GoldenError(
        .wrongFile, path, expected: "SHA-256 \(entry.fileDigest)", found: "\(digest)")
    }
  }
}

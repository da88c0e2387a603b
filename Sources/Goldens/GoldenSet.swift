// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Digests
public import Files
internal import StrictJSON
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
    let (bytes, names) = try GoldenError.ofFiles { () throws(FileError) in
      (
        try FileSystem.contents(
          of: manifestPath, atMost: GoldenFormat.maximumManifestByteCount, followingLinks: false),
        try FileSystem.names(in: path)
      )
    }
    manifest = try GoldenManifest(parsing: bytes, path: manifestPath)
    let files = Set(manifest.entries.map(\.fileName))
    for entry in manifest.entries where !names.contains(entry.fileName) {
      throw GoldenError(
        .missingFile, "\(path)/\(entry.fileName)", expected: "the file of case '\(entry.id)'",
        found: "none")
    }
    let known = [GoldenFormat.manifestName, GoldenFormat.readmeName]
    for name in names where !files.contains(name) && !known.contains(name) {
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
    let found = manifest.entries.filter { $0.matches(filter) }
    guard !found.isEmpty else {
      throw GoldenError(
        .unknownCase, path,
        expected: "a case whose name contains '\(filter)', or that has the flag",
        found: "none", remedy: remedy(for: filter))
    }
    return found
  }

  private func remedy(for filter: String) -> String {
    var flags: [String] = []
    for flag in manifest.entries.flatMap(\.flags) where !flags.contains(flag) { flags.append(flag) }
    let near = WordList(flags + manifest.entries.map(\.id)).near(filter)
    return near.isEmpty
      ? "list the cases" : "list the cases, or try \(near.joined(separator: " or "))"
  }

  /// Reads a case whose file has the size and the SHA-256 that the manifest says, which is checked
  /// before libhdf5 sees a byte of it.
  ///
  /// - Throws: `GoldenError`, `HDF5Error`.
  public func read(_ entry: GoldenManifest.Entry) throws -> GoldenCase {
    let path = path(of: entry)
    let golden = try GoldenCase(parsing: try bytes(of: entry), of: path)
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

  /// The bytes of a case's file, which have the size and the SHA-256 that the manifest says.
  ///
  /// - Throws: `GoldenError`.
  public func bytes(of entry: GoldenManifest.Entry) throws(GoldenError) -> [UInt8] {
    let path = path(of: entry)
    let bytes = try GoldenError.ofFiles { () throws(FileError) in
      // A byte more than there should be, so that a file that is too large shows.
      try FileSystem.contents(
        of: path, atMost: min(entry.byteCount, GoldenFormat.maximumFileByteCount) + 1,
        followingLinks: false)
    }
    guard bytes.count == entry.byteCount else {
      throw GoldenError(
        .wrongFile, path, expected: "\(entry.byteCount) bytes",
        found: bytes.count > entry.byteCount ? "more" : "\(bytes.count)")
    }
    // Bytes have no padding that could be read uninitialized.
    let digest = unsafe SHA256.hash(bytes.span.bytes)
    guard digest == entry.fileDigest else {
      throw GoldenError(
        .wrongFile, path, expected: "SHA-256 \(entry.fileDigest)", found: "\(digest)")
    }
    return bytes
  }
}

extension GoldenSet {
  /// Writes cases and their manifest to a new folder and opens the set.
  ///
  /// - Throws: `GoldenError`, `FileError`, `HDF5Error`; a folder that is left unfinished has no manifest.
  public init(writing cases: [GoldenCase], to path: String, generator: String) throws {
    try FileSystem.makeFolder(path)
    let sorted = cases.sorted { $0.description.id < $1.description.id }
    var entries: [GoldenManifest.Entry] = []
    for golden in sorted {
      let name = golden.description.id + GoldenFormat.fileSuffix
      try golden.write(to: "\(path)/\(name)")
      let bytes = try FileSystem.contents(
        of: "\(path)/\(name)", atMost: GoldenFormat.maximumFileByteCount)
      entries.append(
        GoldenManifest.Entry(
          id: golden.description.id, verdict: golden.description.verdict,
          flags: golden.description.flags, byteCount: bytes.count,
          // Bytes have no padding that could be read uninitialized.
          fileDigest: unsafe SHA256.hash(bytes.span.bytes), contentDigest: golden.digest))
    }
    let manifest = GoldenManifest(entries: entries, generator: generator, versions: [])
    try FileSystem.write(manifest.json, to: "\(path)/\(GoldenFormat.manifestName)")
    try self.init(path: path)
  }
}

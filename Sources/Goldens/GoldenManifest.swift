// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Digests
import StrictJSON

/// What a set of golden files holds, by name, size and digest, and what made it.
public struct GoldenManifest: Sendable {
  /// One case and its file.
  public struct Entry: Sendable, Hashable {
    /// The name of the case.
    public let id: String
    /// Whether upstream's result is right or the case shows something wrong.
    public let verdict: GoldenDescription.Verdict
    /// What the case covers.
    public let flags: [String]
    /// The size of the file in bytes.
    public let byteCount: Int
    /// SHA-256 of the file.
    public let fileDigest: SHA256Digest
    /// SHA-256 of the content.
    public let contentDigest: SHA256Digest

    /// The name of the file.
    public var fileName: String { id + GoldenFormat.fileSuffix }
  }

  /// The cases, sorted by name.
  public let entries: [Entry]
  /// The program that made the set.
  public let generator: String
  /// The versions of libraries that it used, sorted by name.
  public let versions: [(name: String, version: String)]

  /// Reads a manifest.
  ///
  /// - Throws: `GoldenError`; for a version that is not known, whatever else is wrong.
  public init(parsing bytes: [UInt8], path: String) throws(GoldenError) {
    let json: JSONValue
    do {
      json = try JSONValue(parsing: bytes)
    } catch {
      throw GoldenError(.malformedManifest, path, expected: "a JSON document", found: "\(error)")
    }
    let fields = GoldenFields(json, place: path, code: .malformedManifest)
    guard try fields.string("format") == GoldenFormat.setFormat else {
      throw fields.wrong("format", "'\(GoldenFormat.setFormat)'")
    }
    guard json["format_version"]?.integerValue == GoldenFormat.version else {
      throw GoldenError(
        .unknownFormatVersion, path, expected: "format version \(GoldenFormat.version)",
        found: json["format_version"].map { $0.text(.compact) } ?? "none",
        remedy: "use a program that knows the version")
    }
    try fields.requireOnly(["cases", "format", "format_version", "generator", "versions"])
    generator = try fields.string("generator")
    let versions = try fields.object("versions")
    var listed: [(name: String, version: String)] = []
    for name in versions.json.objectValue?.keys ?? [] {
      listed.append((name, try versions.string(name)))
    }
    self.versions = listed
    entries = try Self.entries(fields)
    guard json.bytes(.python) == bytes else {
      throw GoldenError(
        .malformedManifest, path,
        expected: "JSON with sorted keys, two spaces of indentation and ASCII only",
        found: "another spelling")
    }
  }

  private static func entries(_ manifest: GoldenFields) throws(GoldenError) -> [Entry] {
    var entries: [Entry] = []
    for (position, element) in try manifest.array("cases").enumerated() {
      let fields = GoldenFields(
        element, place: "\(manifest.place): cases[\(position)]", code: .malformedManifest)
      try fields.requireOnly([
        "bytes", "content_sha256", "file", "flags", "id", "sha256", "verdict",
      ])
      let entry = Entry(
        id: try fields.string("id"), verdict: try fields.choice("verdict"),
        flags: try fields.strings("flags"), byteCount: try fields.integer("bytes"),
        fileDigest: try fields.digest("sha256"),
        contentDigest: try fields.digest("content_sha256"))
      guard GoldenFormat.isValid(id: entry.id) else {
        throw GoldenError(
          .invalidName, fields.place, expected: "lower-case letters, digits and hyphens",
          found: "'\(entry.id)'")
      }
      guard try fields.string("file") == entry.fileName else {
        throw GoldenError(
          .invalidName, fields.place, expected: "the file '\(entry.fileName)'",
          found: "'\(try fields.string("file"))'")
      }
      entries.append(entry)
    }
    for (one, other) in zip(entries, entries.dropFirst()) {
      guard one.id != other.id else {
        throw GoldenError(
          .duplicateCase, manifest.place, expected: "one case of each name",
          found: "two cases '\(one.id)'")
      }
      guard one.id < other.id else {
        throw GoldenError(
          .malformedManifest, manifest.place, expected: "cases sorted by name",
          found: "'\(other.id)' behind '\(one.id)'")
      }
    }
    return entries
  }
}

extension GoldenFields {
  fileprivate func digest(_ field: String) throws(GoldenError) -> SHA256Digest {
    guard let digest = SHA256Digest(hexadecimal: try string(field)) else {
      throw wrong(field, "64 lower-case hexadecimal digits")
    }
    return digest
  }
}

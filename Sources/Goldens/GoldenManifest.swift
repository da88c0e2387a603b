// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Digests
public import Files
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

    /// Whether the name contains a text, or a flag is it.
    func matches(_ filter: String) -> Bool { id.contains(filter) || flags.contains(filter) }
  }

  /// The cases, sorted by name.
  public let entries: [Entry]
  /// The program that made the set.
  public let generator: String
  /// The versions of libraries that it used, sorted by name.
  public let versions: [(name: String, version: String)]

  init(entries: [Entry], generator: String, versions: [(name: String, version: String)]) {
    (self.entries, self.generator, self.versions) = (entries, generator, versions)
  }

  /// The text of the manifest.
  var json: [UInt8] {
    let value: JSONValue = [
      "cases": .array(
        entries.map { entry in
          [
            "bytes": JSONValue(entry.byteCount),
            "content_sha256": .string("\(entry.contentDigest)"),
            "file": .string(entry.fileName), "flags": .array(entry.flags.map { .string($0) }),
            "id": .string(entry.id), "sha256": .string("\(entry.fileDigest)"),
            "verdict": .string(entry.verdict.rawValue),
          ]
        }),
      "format": .string(GoldenFormat.setFormat),
      "format_version": JSONValue(GoldenFormat.version), "generator": .string(generator),
      "versions": .object(JSONObject(versions.map { ($0.name, .string($0.version)) })),
    ]
    return value.bytes(.python)
  }

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
    guard json["format"]?.stringValue == GoldenFormat.setFormat else {
      throw GoldenError(
        .malformedManifest, "\(path): format", expected: "'\(GoldenFormat.setFormat)'",
        found: json["format"].map { $0.text(.compact) } ?? "none")
    }
    guard json["format_version"]?.integerValue == GoldenFormat.version else {
      throw GoldenError(
        .unknownFormatVersion, path, expected: "format version \(GoldenFormat.version)",
        found: json["format_version"].map { $0.text(.compact) } ?? "none",
        remedy: "use a program that knows the version")
    }
    do {
      try self.init(JSONField(json))
    } catch {
      throw GoldenError(error, .malformedManifest, path)
    }
    try checkOrder(path)
    guard json.bytes(.python) == bytes else {
      throw GoldenError(
        .malformedManifest, path,
        expected: "JSON with sorted keys, two spaces of indentation and ASCII only",
        found: "another spelling")
    }
  }

  private init(_ field: JSONField) throws(JSONFieldError) {
    try field.require(only: ["cases", "format", "format_version", "generator", "versions"])
    generator = try field["generator"].string()
    let versions = field["versions"]
    self.versions = try versions.object().keys.map { name throws(JSONFieldError) in
      (name, try versions[name].string())
    }
    entries = try field["cases"].elements().map { entry throws(JSONFieldError) in
      try Entry(entry)
    }
  }

  /// Checks that each case is there once, and that they are sorted.
  private func checkOrder(_ path: String) throws(GoldenError) {
    for entry in entries where !GoldenFormat.isValid(id: entry.id) {
      throw GoldenError(
        .invalidName, path, expected: "lower-case letters, digits and hyphens",
        found: "'\(entry.id)'")
    }
    for (one, other) in zip(entries, entries.dropFirst()) {
      guard one.id != other.id else {
        throw GoldenError(
          .duplicateCase, path, expected: "one case of each name", found: "two cases '\(one.id)'")
      }
      guard one.id < other.id else {
        throw GoldenError(
          .malformedManifest, path, expected: "cases sorted by name",
          found: "'\(other.id)' after '\(one.id)'")
      }
    }
  }
}

extension GoldenManifest.Entry {
  fileprivate init(_ field: JSONField) throws(JSONFieldError) {
    try field.require(only: [
      "bytes", "content_sha256", "file", "flags", "id", "sha256", "verdict",
    ])
    id = try field["id"].string()
    verdict = try field["verdict"].choice()
    flags = try field["flags"].strings()
    byteCount = try field["bytes"].count()
    fileDigest = try field["sha256"].digest()
    contentDigest = try field["content_sha256"].digest()
    guard try field["file"].string() == fileName else {
      throw field["file"].error(expected: "'\(fileName)'")
    }
  }
}

extension JSONField {
  fileprivate func digest() throws(JSONFieldError) -> SHA256Digest {
    guard let digest = SHA256Digest(hexadecimal: try string()) else {
      throw error(expected: "64 lower-case hexadecimal digits")
    }
    return digest
  }
}

/// Names and numbers of the file format that Golden/README.md describes.
public enum GoldenFormat {
  /// The only version of files and manifests that is known; any other is refused.
  public static let version = 1
  /// The name of the manifest of a set.
  public static let manifestName = "manifest.json"
  /// The name of the text beside the manifest.
  public static let readmeName = "README.md"
  /// What the attribute `format` of a file says.
  public static let fileFormat = "hymt2-golden"
  static let setFormat = "hymt2-golden-set"
  static let fileSuffix = ".h5"
  /// The greatest size of a manifest in bytes.
  static let maximumManifestByteCount = 4 << 20
  /// The greatest size of one golden file in bytes: all of a set is a few mebibytes.
  static let maximumFileByteCount = 64 << 20

  /// Whether a text may name a case: lower-case letters, digits and hyphens, so that it is one file
  /// name on any system.
  static func isValid(id: String) -> Bool {
    id.wholeMatch(of: /[a-z0-9][a-z0-9-]{0,99}/) != nil
  }
}

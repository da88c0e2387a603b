// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Files
import Foundation
import Goldens
import StrictJSON
import Testing

/// A small set in a folder of its own, removed with it at the end of its life.
final class ScratchSet {
  static let ids = ["exclude-head", "lora", "prefix-none"]

  let folder: URL
  let path: String

  /// Copies a few cases of the committed set.
  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "goldens-\(UUID().uuidString)")
    path = folder.appending(path: "Golden").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    for id in Self.ids {
      try FileManager.default.copyItem(
        atPath: "\(CommittedSet.path)/\(id).h5", toPath: "\(path)/\(id).h5")
    }
    let bytes = try Data(contentsOf: URL(filePath: "\(CommittedSet.path)/manifest.json"))
    try Array(bytes).write(to: "\(path)/manifest.json")
    try editEntries { entries in
      entries.removeAll { !Self.ids.contains($0["id"]?.stringValue ?? "") }
    }
  }

  deinit {
    try? FileManager.default.removeItem(at: folder)
  }

  func open() throws -> GoldenSet { try GoldenSet(path: path) }

  func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: "\(path)/\(name)")))
  }

  func write(_ bytes: [UInt8], to name: String) throws { try bytes.write(to: "\(path)/\(name)") }

  func remove(_ name: String) throws {
    try FileManager.default.removeItem(atPath: "\(path)/\(name)")
  }

  /// Changes the manifest and writes it in its canonical spelling.
  func editManifest(_ change: (inout JSONObject) throws -> Void) throws {
    let json = try JSONValue(parsing: bytes("manifest.json"))
    var object = try #require(json.objectValue)
    try change(&object)
    try write(JSONValue.object(object).bytes(.python), to: "manifest.json")
  }

  /// Changes the list of cases.
  func editEntries(_ change: (inout [JSONValue]) throws -> Void) throws {
    try editManifest { manifest in
      var entries = try #require(manifest["cases"]?.arrayValue)
      try change(&entries)
      manifest["cases"] = .array(entries)
    }
  }

  /// The names in the folder that holds the set, hidden ones too.
  func neighbors() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }
}

extension [UInt8] {
  fileprivate func write(to path: String) throws {
    try Data(self).write(to: URL(filePath: path))
  }
}

/// The code of the `GoldenError` that a body throws, or nil.
func code(_ body: () throws -> Void) -> GoldenError.Code? {
  do {
    try body()
    return nil
  } catch {
    return (error as? GoldenError)?.code
  }
}

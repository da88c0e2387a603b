// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation

/// An empty folder that is removed with its content at the end of its life.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory
      .appending(path: "safetensors-tests-\(UUID().uuidString)").path(percentEncoded: false)
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: true, attributes: nil)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  func path(_ name: String) -> String { "\(path)/\(name)" }

  /// The names in the folder or in one inside it, hidden ones among them, sorted.
  func names(in name: String = "") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path(name)).sorted()
  }

  func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: path(name))))
  }

  func write(_ bytes: [UInt8], to name: String) throws {
    try Data(bytes).write(to: URL(filePath: path(name)))
  }

  func remove(_ name: String) throws {
    try FileManager.default.removeItem(atPath: path(name))
  }

  /// Copies the tiny checkpoint of the fixtures into a folder inside this one.
  func copyCheckpoint(to name: String) throws -> String {
    try FileManager.default.copyItem(atPath: Fixtures.path("tiny-hyv3"), toPath: path(name))
    return path(name)
  }
}

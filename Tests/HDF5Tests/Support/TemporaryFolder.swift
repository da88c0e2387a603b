// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation

/// An empty folder that is removed with its content at the end of its life.
final class TemporaryFolder: Sendable {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory
      .appending(path: "hdf5-tests-\(UUID().uuidString)").path(percentEncoded: false)
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: true, attributes: nil)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  func path(_ name: String) -> String { "\(path)/\(name)" }

  /// The names in the folder, hidden ones among them, sorted.
  func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  }

  func bytes(_ name: String) throws -> [UInt8] { try fileBytes(path(name)) }
}

func fileBytes(_ path: String) throws -> [UInt8] {
  Array(try Data(contentsOf: URL(filePath: path)))
}

/// The files that make_hdf5_fixtures.py wrote.
enum Fixtures {
  static func path(_ name: String) -> String {
    Bundle.module.bundleURL.appending(path: "Fixtures/\(name)").path(percentEncoded: false)
  }

  /// The names of the files that must be refused.
  static let refused: [String] =
    (try? FileManager.default.contentsOfDirectory(atPath: path("refused")).sorted()) ?? []
}

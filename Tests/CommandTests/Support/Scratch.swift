// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import StrictJSON
import Testing

/// An empty folder, removed with its content at the end of its life.
final class Scratch: Sendable {
  /// The path, without a slash at the end.
  let path: String

  init() throws {
    path =
      FileManager.default.temporaryDirectory
      .appending(path: "command-tests-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  /// A path inside the folder.
  subscript(_ name: String) -> String { "\(path)/\(name)" }

  /// Copies the checkpoint that transformers wrote: 3 layers of which 2 have 4 experts, 3 shards.
  func tiny(_ name: String = "tiny") throws -> String {
    try FileManager.default.copyItem(
      atPath: "\(Hymt2.tree)/Tests/SafetensorsTests/Fixtures/tiny-hyv3", toPath: self[name])
    return self[name]
  }

  /// The names in the folder, hidden ones too, sorted.
  func names(in name: String = ".") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: self[name]).sorted()
  }

  func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: self[name])))
  }

  func write(_ bytes: [UInt8], to name: String) throws {
    try Data(bytes).write(to: URL(filePath: self[name]))
  }

  func remove(_ name: String) throws {
    try FileManager.default.removeItem(atPath: self[name])
  }

  /// Changes a file.
  func edit(_ name: String, _ change: (inout [UInt8]) throws -> Void) throws {
    var bytes = try bytes(name)
    try change(&bytes)
    try write(bytes, to: name)
  }

  /// Replaces a text in a file, where it must be found.
  func replace(_ old: String, by new: String, in name: String) throws {
    let text = String(decoding: try bytes(name), as: UTF8.self)
    try #require(text.contains(old))
    try write(Array(text.replacing(old, with: new).utf8), to: name)
  }

  /// The first difference between two folders of files, nil if they are the same.
  func difference(_ a: String, _ b: String) throws -> String? {
    let names = (try names(in: a), try self.names(in: b))
    guard names.0 == names.1 else { return "\(names.0) and \(names.1)" }
    for name in names.0 {
      let (left, right) = (try bytes("\(a)/\(name)"), try bytes("\(b)/\(name)"))
      guard left != right else { continue }
      let offset = zip(left, right).enumerated().first { $0.element.0 != $0.element.1 }?.offset
      return "\(name): \(left.count) and \(right.count) bytes, "
        + "first different at \(offset ?? min(left.count, right.count))"
    }
    return nil
  }
}

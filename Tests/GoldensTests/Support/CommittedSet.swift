// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Goldens

/// The set in the tree.
enum CommittedSet {
  static let tree = URL(filePath: #filePath).appending(path: "../../../..").standardized
  static let path = tree.appending(path: "Golden").path

  static func open() throws -> GoldenSet { try GoldenSet(path: path) }

  /// One case of the set.
  static func read(_ id: String) throws -> GoldenCase {
    let set = try open()
    guard let entry = set.manifest.entries.first(where: { $0.id == id }) else {
      throw NoCase(id: id)
    }
    return try set.read(entry)
  }

  /// All cases of the set, read once.
  static let cases = Result {
    let set = try open()
    return try set.manifest.entries.map { try set.read($0) }
  }

  struct NoCase: Error { let id: String }
}

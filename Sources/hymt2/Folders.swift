// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The names in a folder, sorted by UTF-8 bytes, or nil if it is none or cannot be read.
func folderNames(in path: String) -> [String]? {
  (try? FileManager.default.contentsOfDirectory(atPath: path))?
    .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}

/// Where a folder is to be made.
struct OutputPlace {
  private let path: String
  private let url: URL

  init(_ path: String) {
    self.path = path
    url = URL(filePath: path)
  }

  /// Checks that the folder will not be part of another.
  func checkOutside(of folder: String) throws {
    let outer = URL(filePath: folder).resolvingSymlinksInPath().pathComponents
    // Links are resolved in paths that exist only.
    let parent = url.deletingLastPathComponent().resolvingSymlinksInPath().pathComponents
    guard !(parent + [url.lastPathComponent]).starts(with: outer) else {
      throw CommandError(
        "\(path): expected an output outside of the input '\(folder)', found one that is the "
          + "input or inside it; choose another path")
    }
  }

  /// The paths of hidden folders that killed runs with the same output have left.
  var leftovers: [String] {
    let parent = url.deletingLastPathComponent().path
    return (folderNames(in: parent) ?? [])
      .filter { $0.hasPrefix(".\(url.lastPathComponent).partial-") }
      .map { "\(parent)/\($0)" }
  }
}

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

/// Where a file or folder is to be made.
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

  /// Checks that nothing has the path and that the folder around it is there.
  func checkFree() throws {
    // Attributes are those of a link itself, so that one to nowhere counts, too.
    guard (try? FileManager.default.attributesOfItem(atPath: path)) == nil else {
      throw CommandError(
        "\(path): expected a path that is free, found a file or folder; choose another path or "
          + "remove what is there")
    }
    try checkParent()
  }

  /// Checks that the folder around the path is there.
  func checkParent() throws {
    let parent = url.deletingLastPathComponent().path
    guard folderNames(in: parent) != nil else {
      throw CommandError(
        "\(path): expected a folder '\(parent)' around it, found none that can be read; make it "
          + "first")
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

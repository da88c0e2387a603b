// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Files

/// The names in a folder, sorted by UTF-8 bytes, or nil if it is none or cannot be read.
func folderNames(in path: String) -> [String]? { try? FileSystem.names(in: path) }

/// A path that holds in any folder; links in it are kept.
func absolutePath(_ path: String) -> String {
  path.hasPrefix("/") ? path : "\(FileSystem.realPath(".") ?? ".")/\(path)"
}

/// Where a file or folder is to be made.
struct OutputPlace {
  private let path: String
  /// The folder around it, from the root on if it is there.
  let parent: String
  private let name: String

  init(_ path: String) {
    self.path = path
    let (parent, name) = (try? FileSystem.split(path)) ?? (path, "")
    self.parent = FileSystem.realPath(parent) ?? parent
    self.name = name
  }

  /// The path, which holds in any folder.
  var fullPath: String { absolutePath("\(parent)/\(name)") }

  /// Checks that the folder will not be part of another.
  func checkOutside(of folder: String) throws {
    guard let outer = FileSystem.realPath(folder) else { return }
    let own = FileSystem.realPath(path) ?? fullPath
    guard "\(own)/".hasPrefix("\(outer)/") else { return }
    throw CommandError(
      "\(path): expected an output outside of the input '\(folder)', found one that is the "
        + "input or inside it; choose another path")
  }

  /// Checks that nothing has the path and that the folder around it is there.
  func checkFree() throws {
    guard FileSystem.kind(of: path) == nil else {
      throw CommandError(
        "\(path): expected a path that is free, found a file or folder; choose another path or "
          + "remove what is there")
    }
    try checkParent()
  }

  /// Checks that the folder around the path is there.
  func checkParent() throws {
    guard folderNames(in: parent) != nil else {
      throw CommandError(
        "\(path): expected a folder '\(parent)' around it, found none that can be read; make it "
          + "first")
    }
  }

  /// The paths of hidden folders that killed runs with the same output have left.
  var leftovers: [String] {
    (folderNames(in: parent) ?? []).filter { $0.hasPrefix(".\(name).partial-") }
      .map { "\(parent)/\($0)" }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Files

extension GoldenSet {
  /// Puts this set in the place of another, whose text beside the manifest stays.
  ///
  /// All files are written durably to a hidden folder beside the old set, and then the two folders
  /// exchange their names in one step of the file system. A process that is killed at any moment
  /// leaves the old set or the new one, and perhaps the hidden folder, which the next call removes.
  ///
  /// - Parameter target: The folder of the old set, or of none yet.
  /// - Throws: `GoldenError`, `HDF5Error`; for a set that is not whole, and for a folder with anything
  ///   that belongs to no set, before a file is touched.
  public func replace(setAt target: String) throws {
    for entry in manifest.entries { _ = try read(entry) }
    let (parent, name) = try Self.split(target)
    let old = try Self.namesOfSet(target)
    // The lock ends with the process at the latest.
    let lock = try GoldenError.ofFiles { () throws(FileError) in try OpenFile(folder: parent) }
    guard lock.tryLock() else {
      throw GoldenError(
        .busy, parent, expected: "that nobody else changes a set here", found: "another process",
        remedy: "wait for it")
    }
    let staging = "\(parent)/.\(name).accepting"
    let readme = GoldenFormat.readmeName
    var names = manifest.entries.map { ("\(path)/\($0.fileName)", $0.fileName) }
    names.append(("\(path)/\(GoldenFormat.manifestName)", GoldenFormat.manifestName))
    if let old, old.contains(readme) { names.append(("\(target)/\(readme)", readme)) }
    try GoldenError.ofFiles { () throws(FileError) in
      try FileSystem.removeFolder(staging)
      try FileSystem.makeFolder(staging)
      for (source, name) in names {
        let bytes = try FileSystem.contents(
          of: source, atMost: GoldenFormat.maximumFileByteCount, followingLinks: false)
        // Bytes have no padding that could be read uninitialized.
        try FileSystem.create("\(staging)/\(name)", unsafe bytes.span.bytes)
      }
    }
    // What was copied is what was read before.
    let copy = try GoldenSet(path: staging)
    for entry in manifest.entries { _ = try copy.bytes(of: entry) }
    try GoldenError.ofFiles { () throws(FileError) in
      try old == nil
        ? FileSystem.move(staging, to: target) : FileSystem.exchange(staging, target)
      try FileSystem.synchronize(folder: parent)
      try FileSystem.removeFolder(staging)
    }
  }

  private static func split(_ path: String) throws(GoldenError) -> (parent: String, name: String) {
    do {
      return try FileSystem.split(path)
    } catch {
      throw GoldenError(
        .invalidPlace, path, expected: "a path that ends with the name of the folder",
        found: "another", remedy: "name the folder")
    }
  }

  /// The names in the folder of a set, whole or not; nil if there is no folder.
  private static func namesOfSet(_ path: String) throws(GoldenError) -> [String]? {
    guard let kind = FileSystem.kind(of: path) else { return nil }
    guard kind == .folder else {
      throw GoldenError(
        .invalidPlace, path, expected: "a folder", found: "a link or a file",
        remedy: "name the folder itself")
    }
    let names = try GoldenError.ofFiles { () throws(FileError) in try FileSystem.names(in: path) }
    let known = [GoldenFormat.manifestName, GoldenFormat.readmeName]
    for name in names where !known.contains(name) && !name.hasSuffix(GoldenFormat.fileSuffix) {
      throw GoldenError(
        .orphan, "\(path)/\(name)", expected: "a folder of golden files only",
        found: "something else", remedy: "move it away: what is replaced is removed")
    }
    return names
  }
}

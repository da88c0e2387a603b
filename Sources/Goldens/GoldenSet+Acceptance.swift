// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CExchange

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

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
    let lock = try GoldenLock(folder: parent)
    defer { lock.release() }
    let staging = "\(parent)/.\(name).accepting"
    try Self.remove(folder: staging)
    guard unsafe mkdir(staging, 0o777) == 0 else {
      throw GoldenFolder.error(staging, "make the folder")
    }
    for name in manifest.entries.map(\.fileName) + [GoldenFormat.manifestName] {
      try Self.copy("\(path)/\(name)", to: "\(staging)/\(name)")
    }
    let readme = GoldenFormat.readmeName
    if let old, old.contains(readme) {
      try Self.copy("\(target)/\(readme)", to: "\(staging)/\(readme)")
    }
    // What was copied is what was read before.
    let copy = try GoldenSet(path: staging)
    for entry in manifest.entries { try copy.check(entry) }
    try Self.synchronize(folder: staging)
    try old == nil ? Self.move(staging, to: target) : Self.exchange(staging, target)
    try Self.synchronize(folder: parent)
    try Self.remove(folder: staging)
  }

  private static func split(_ path: String) throws(GoldenError) -> (parent: String, name: String) {
    let parts = path.split(separator: "/", omittingEmptySubsequences: true)
    guard let name = parts.last, name != ".", name != "..", !path.utf8.contains(0) else {
      throw GoldenError(
        .invalidPlace, path, expected: "a path that ends with the name of the folder",
        found: "another", remedy: "name the folder")
    }
    let parent = parts.dropLast().joined(separator: "/")
    return path.hasPrefix("/")
      ? ("/" + parent, String(name)) : (parent.isEmpty ? "." : parent, String(name))
  }

  /// The names in the folder of a set, whole or not; nil if there is no folder.
  private static func namesOfSet(_ path: String) throws(GoldenError) -> Set<String>? {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { return nil }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw GoldenError(
        .invalidPlace, path, expected: "a folder", found: "a link or a file",
        remedy: "name the folder itself")
    }
    let names = try GoldenFolder.names(in: path)
    let known = [GoldenFormat.manifestName, GoldenFormat.readmeName]
    for name in names.sorted()
    where !known.contains(name) && !name.hasSuffix(GoldenFormat.fileSuffix) {
      throw GoldenError(
        .orphan, "\(path)/\(name)", expected: "a folder of golden files only",
        found: "something else", remedy: "move it away: what is replaced is removed")
    }
    return names
  }

  private static func copy(_ source: String, to target: String) throws(GoldenError) {
    let bytes = try GoldenFolder.bytes(source, atMost: GoldenFormat.maximumFileByteCount)
    try GoldenFolder.write(bytes, toNew: target)
  }

  private static func exchange(_ one: String, _ other: String) throws(GoldenError) {
    guard unsafe cexchange_names(one, other) == 0 else {
      throw GoldenFolder.error(other, "exchange the folder with '\(one)' in one step")
    }
  }

  private static func move(_ source: String, to target: String) throws(GoldenError) {
    guard unsafe rename(source, target) == 0 else {
      throw GoldenFolder.error(target, "move the folder here")
    }
  }

  private static func synchronize(folder: String) throws(GoldenError) {
    let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw GoldenFolder.error(folder, "open the folder") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else {
      throw GoldenFolder.error(folder, "make the folder durable")
    }
  }

  /// Removes a folder of files, if it is there.
  private static func remove(folder: String) throws(GoldenError) {
    guard unsafe access(folder, F_OK) == 0 else { return }
    for name in try GoldenFolder.names(in: folder) {
      guard unsafe unlink("\(folder)/\(name)") == 0 else {
        throw GoldenFolder.error("\(folder)/\(name)", "remove the file")
      }
    }
    guard unsafe rmdir(folder) == 0 else { throw GoldenFolder.error(folder, "remove the folder") }
  }
}

/// The right to change what is in a folder, which ends with the process at the latest.
private struct GoldenLock {
  private let descriptor: Int32

  init(folder: String) throws(GoldenError) {
    descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw GoldenFolder.error(folder, "open the folder") }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw GoldenError(
        .busy, folder, expected: "that nobody else changes a set here", found: "another process",
        remedy: "wait for it")
    }
  }

  func release() { close(descriptor) }
}

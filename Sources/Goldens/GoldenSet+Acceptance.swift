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
  /// - Parameters:
  ///   - target: The folder of the old set, or of none yet.
  ///   - chosen: The cases that become as this set has them, also those that it lacks; nil for all.
  /// - Throws: `GoldenError`, `HDF5Error`; for a set that is not whole, and for a folder with anything
  ///   that belongs to no set, before a file is touched.
  public func replace(setAt target: String, taking chosen: [String]? = nil) throws {
    let (manifest, sources) =
      try chosen.map { try joined(GoldenSet(path: target), taking: $0) }
      ?? (manifest, manifest.entries.map { _ in self })
    for (entry, set) in zip(manifest.entries, sources) { _ = try set.read(entry) }
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
    var names = zip(manifest.entries, sources).map { ($1.path(of: $0), $0.fileName) }
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
      let text = manifest.json
      try FileSystem.create(
        "\(staging)/\(GoldenFormat.manifestName)", unsafe text.span.bytes)
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

  /// The manifest of an old set in which some cases are as this one has them, and where each is.
  private func joined(
    _ old: GoldenSet, taking chosen: [String]
  ) throws(GoldenError) -> (GoldenManifest, [GoldenSet]) {
    let taken = Set(chosen)
    let parts =
      old.manifest.entries.filter { !taken.contains($0.id) }.map { ($0, old) }
      + manifest.entries.filter { taken.contains($0.id) }.map { ($0, self) }
    let sorted = parts.sorted { $0.0.id < $1.0.id }
    let isAll = sorted.map(\.0) == manifest.entries
    func texts(_ manifest: GoldenManifest) -> [String] {
      [manifest.generator] + manifest.versions.map { "\($0.name) \($0.version)" }
    }
    let (before, after) = (texts(old.manifest), texts(manifest))
    guard isAll || before == after else {
      throw GoldenError(
        .wrongContent, path, expected: before.joined(separator: ", "),
        found: after.joined(separator: ", "),
        remedy: "accept the whole set: one manifest cannot name two makers")
    }
    return (
      GoldenManifest(
        entries: sorted.map(\.0), generator: manifest.generator, versions: manifest.versions),
      sorted.map(\.1)
    )
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

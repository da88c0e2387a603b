// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CSystem
internal import Glibc
internal import Synchronization

/// What can be done with files and folders by their names.
public enum FileSystem {
  /// What a name leads to.
  public enum Kind {
    /// A file.
    case file
    /// A folder.
    case folder
    /// A link, which may lead nowhere, or what is neither file nor folder.
    case other
  }

  /// What has a name, links not followed unless asked for; nil if nothing has it.
  public static func kind(of path: String, followingLinks: Bool = false) -> Kind? {
    var status = stat()
    let isThere = unsafe (followingLinks ? stat(path, &status) : lstat(path, &status)) == 0
    guard isThere, !path.utf8.contains(0) else { return nil }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return .file
    case S_IFDIR: return .folder
    default: return .other
    }
  }

  /// The path without links and from the root on; nil if nothing has it.
  public static func realPath(_ path: String) -> String? {
    guard let resolved = unsafe realpath(path, nil) else { return nil }
    // The system has allocated the text for the caller.
    defer { unsafe free(resolved) }
    return unsafe String(cString: resolved)
  }

  /// Reads a regular file, but not more bytes than the limit.
  public static func contents(
    of path: String, atMost limit: Int, followingLinks: Bool = true
  ) throws(FileError) -> [UInt8] {
    try OpenFile(reading: path, followingLinks: followingLinks).contents(atMost: limit)
  }

  /// The names in a folder without `.` and `..`, sorted by UTF-8 bytes.
  public static func names(in folder: String) throws(FileError) -> [String] {
    guard let stream = unsafe opendir(folder) else { throw FileError(folder, "open the folder") }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = unsafe readdir(stream) else {
        guard errno == 0 else { throw FileError(folder, "list the folder") }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      }
      // The name is terminated and stays valid until the next call.
      let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        unsafe String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      guard let name else {
        throw FileError(folder, "find names in UTF-8", reason: "another name")
      }
      if name != ".", name != ".." { names.append(name) }
    }
  }

  /// What a closure makes of a file or folder, or nil if there is none.
  public static func ifThere<R>(_ body: () throws(FileError) -> R) throws(FileError) -> R? {
    do {
      return try body()
    } catch  where error.isMissing {
      return nil
    }
  }

  /// Makes a folder that must not exist.
  public static func makeFolder(_ path: String) throws(FileError) {
    guard unsafe mkdir(path, 0o777) == 0 else { throw FileError(path, "make the folder") }
  }

  /// Makes a folder, unless it is there, and those that it is in.
  public static func makeFolders(_ path: String) throws(FileError) {
    var made = path.hasPrefix("/") ? "/" : ""
    for part in path.split(separator: "/") {
      made += part
      if unsafe mkdir(made, 0o777) != 0, errno != EEXIST {
        throw FileError(made, "make the folder")
      }
      made += "/"
    }
  }

  /// Removes a folder that holds only files; one that is not there is no problem.
  public static func removeFolder(_ path: String) throws(FileError) {
    for name in try ifThere({ () throws(FileError) in try names(in: path) }) ?? [] {
      try removeFile("\(path)/\(name)")
    }
    if unsafe rmdir(path) != 0, errno != ENOENT { throw FileError(path, "remove the folder") }
  }

  /// Removes a file; one that is not there is no problem.
  public static func removeFile(_ path: String) throws(FileError) {
    if unsafe unlink(path) != 0, errno != ENOENT { throw FileError(path, "remove the file") }
  }

  /// Gives a file or folder a name; a file, but never a folder with content, is replaced.
  public static func move(_ source: String, to destination: String) throws(FileError) {
    guard unsafe rename(source, destination) == 0 else {
      throw FileError(destination, "move '\(source)' into place")
    }
  }

  /// Exchanges the names of two files or folders in one step.
  public static func exchange(_ one: String, _ other: String) throws(FileError) {
    guard unsafe csystem_exchange_names(one, other) == 0 else {
      throw FileError(other, "exchange it with '\(one)' in one step")
    }
  }

  /// Makes the names in a folder durable.
  public static func synchronize(folder: String) throws(FileError) {
    try OpenFile(folder: folder).synchronize()
  }

  /// Whether a name is that of a file right inside a folder.
  public static func isPlainName(_ name: String) -> Bool {
    !name.isEmpty && name != "." && name != ".."
      && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
  }

  /// The parent folder and the name that a path ends with.
  public static func split(_ path: String) throws(FileError) -> (parent: String, name: String) {
    var trimmed = Substring(path)
    while trimmed.utf8.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
    let slash = trimmed.lastIndex(of: "/")
    let name = slash.map { trimmed[trimmed.index(after: $0)...] } ?? trimmed
    guard isPlainName(String(name)) else {
      throw FileError(
        path, "find a plain name at the end of the path", code: EINVAL, reason: "'\(name)'")
    }
    let parent = slash.map { $0 == trimmed.startIndex ? "/" : trimmed[..<$0] } ?? "."
    return (String(parent), String(name))
  }

  /// A hidden name beside a path for what gets the path's name when it is complete.
  public static func temporaryPath(beside path: String) throws(FileError) -> String {
    let (parent, name) = try split(path)
    let stem = "\(parent)/.\(name).partial-\(getpid())"
    // Another run may have been killed under the same process number.
    let others = (2...100).lazy.map { "\(stem)-\($0)" }
    return kind(of: stem) == nil ? stem : others.first { kind(of: $0) == nil } ?? stem
  }

  private static let naming = Mutex(())

  /// Has a closure write a file so that its name only ever belongs to a whole one; one of the same
  /// name is replaced, durably.
  ///
  /// - Parameters:
  ///   - failure: Makes an error of one of a file.
  ///   - write: Writes an empty file of a temporary name, which is removed where this throws.
  public static func replace<E: Error>(
    _ path: String, failure: (FileError) -> E, _ write: (borrowing OpenFile) throws(E) -> Void
  ) throws(E) {
    let file: OpenFile
    do throws(FileError) {
      file = try naming.withLock { _ throws(FileError) -> OpenFile in
        try OpenFile(creating: temporaryPath(beside: path))
      }
    } catch {
      throw failure(error)
    }
    do throws(E) {
      try write(file)
      do throws(FileError) {
        try file.synchronize()
        try move(file.path, to: path)
        try synchronize(folder: split(path).parent)
      } catch {
        throw failure(error)
      }
    } catch {
      try? removeFile(file.path)
      throw error
    }
  }

  /// Writes a file as `replace` does.
  public static func write(_ bytes: [UInt8], to path: String) throws(FileError) {
    try replace(path, failure: { $0 }) { file throws(FileError) in
      // Bytes have no padding that could be read uninitialized.
      try file.write(unsafe bytes.span.bytes)
    }
  }

  /// Creates a file with this content, durably.
  public static func create(_ path: String, _ bytes: RawSpan) throws(FileError) {
    let file = try OpenFile(creating: path)
    try file.write(bytes)
    try file.synchronize()
  }
}

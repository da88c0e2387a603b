// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#if canImport(Glibc)
internal import Glibc
#else
internal import Musl
#endif

/// Making a file so that its name only ever belongs to a whole one.
enum NewFile {
  /// Has a body write an empty file beside the path, makes it durable and moves it into place.
  static func make(
    _ path: String, _ write: (String) throws(HDF5Error) -> Void
  ) throws(HDF5Error) {
    let (folder, name) = try split(path)
    let (temporary, descriptor) = try create(stem: "\(folder)/.\(name).partial-\(getpid())")
    defer { close(descriptor) }
    do throws(HDF5Error) {
      try write(temporary)
      guard fsync(descriptor) == 0 else { throw .system(path, "make the file durable") }
      guard unsafe rename(temporary, path) == 0 else { throw .system(path, "move the file here") }
    } catch {
      _ = unsafe unlink(temporary)
      throw error
    }
    try sync(folder: folder)
  }

  /// Creates an empty file; another run may have been killed under the same process number.
  private static func create(stem: String) throws(HDF5Error) -> (path: String, descriptor: Int32) {
    for attempt in 1...100 {
      let path = "\(stem)-\(attempt)"
      let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      if descriptor >= 0 { return (path, descriptor) }
      guard errno == EEXIST else { throw .system(path, "create the file") }
    }
    throw .system(stem, "create the file", code: EEXIST)
  }

  /// Makes the names in a folder durable.
  private static func sync(folder: String) throws(HDF5Error) {
    let descriptor = unsafe open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system(folder, "open the folder") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw .system(folder, "make the folder durable") }
  }

  /// The folder and the name that a path ends with.
  private static func split(
    _ path: String
  ) throws(HDF5Error) -> (folder: String, name: String) {
    let bytes = path.utf8
    let slash = bytes.lastIndex(of: UInt8(ascii: "/"))
    let name = slash.map { String(path[bytes.index(after: $0)...]) } ?? path
    guard !name.isEmpty, name != ".", name != "..", !bytes.contains(0) else {
      throw HDF5Error(
        .file, at: Place(path: path), expected: "the path of a file",
        found: "a path that ends without a name or contains NUL", remedy: "name the file")
    }
    guard let slash else { return (".", name) }
    return (slash == bytes.startIndex ? "/" : String(path[..<slash]), name)
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#if canImport(Glibc)
internal import Glibc
#else
internal import Musl
#endif

/// The system calls on folders and names that writing and opening need.
enum FileSystem {
  /// Whether something, be it a dangling link, has this name.
  static func exists(_ path: String) -> Bool {
    var status = stat()
    return unsafe lstat(path, &status) == 0
  }

  /// The names of the regular files in a folder and of links to such, sorted by UTF-8 bytes.
  static func regularFiles(in folder: String) throws(SafetensorsError) -> [String] {
    guard let stream = unsafe opendir(folder) else { throw .system(folder, "open the folder") }
    defer { unsafe closedir(stream) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = unsafe readdir(stream) else {
        guard errno == 0 else { throw .system(folder, "list the folder") }
        return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      }
      // The name is terminated and stays valid until the next call.
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
          unsafe String(validatingCString: $0)
        }
      }
      guard let name else {
        throw SafetensorsError(
          .invalidFileName, path: folder, expected: "file names in UTF-8", found: "another",
          remedy: "rename the file")
      }
      var status = stat()
      if unsafe stat("\(folder)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG {
        names.append(name)
      }
    }
  }

  static func makeFolder(_ path: String) throws(SafetensorsError) {
    guard unsafe mkdir(path, 0o777) == 0 else { throw .system(path, "make the folder") }
  }

  /// Removes a folder that holds only files; what cannot be removed stays.
  static func removeFolder(_ path: String) {
    for name in (try? regularFiles(in: path)) ?? [] { _ = unsafe unlink("\(path)/\(name)") }
    _ = unsafe rmdir(path)
  }

  static func removeFile(_ path: String) {
    _ = unsafe unlink(path)
  }

  /// Gives a file or folder a name; a file, but never a folder with content, is replaced.
  static func move(_ source: String, to destination: String) throws(SafetensorsError) {
    guard unsafe rename(source, destination) == 0 else {
      throw .system(destination, "move '\(source)' into place")
    }
  }

  /// Makes the names in a folder durable.
  static func syncFolder(_ path: String) throws(SafetensorsError) {
    let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system(path, "open the folder") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw .system(path, "make the folder durable") }
  }

  /// The parent folder and the name that a path ends with.
  static func split(_ path: String) throws(SafetensorsError) -> (parent: String, name: String) {
    var trimmed = Substring(path)
    while trimmed.utf8.count > 1, trimmed.hasSuffix("/") { trimmed.removeLast() }
    let name: Substring
    let parent: Substring
    if let slash = trimmed.lastIndex(of: "/") {
      name = trimmed[trimmed.index(after: slash)...]
      parent = slash == trimmed.startIndex ? "/" : trimmed[..<slash]
    } else {
      name = trimmed
      parent = "."
    }
    try checkPlainName(String(name), in: path)
    return (String(parent), String(name))
  }

  /// Checks that a name is that of a file right inside a folder.
  static func checkPlainName(_ name: String, in folder: String) throws(SafetensorsError) {
    guard isPlainName(name) else {
      throw SafetensorsError(
        .invalidFileName, path: folder, keys: [name], expected: "a plain file name",
        found: "an empty name, a path or a NUL", remedy: "name a file inside the folder")
    }
  }

  static func isPlainName(_ name: String) -> Bool {
    !name.isEmpty && name != "." && name != ".."
      && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
  }

  /// Makes something under a hidden name beside its later place, so that a rename completes it.
  static func makeTemporary<R>(
    beside path: String, _ make: (String) throws(SafetensorsError) -> R
  ) throws(SafetensorsError) -> R {
    let (parent, name) = try split(path)
    let stem = "\(parent)/.\(name).partial-\(getpid())"
    // Another run may have been killed under the same process number.
    for attempt in 1..<100 {
      do {
        return try make(attempt == 1 ? stem : "\(stem)-\(attempt)")
      } catch  where error.code == .alreadyExists {
        continue
      }
    }
    return try make("\(stem)-100")
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

// Calls with paths are safe: the system is handed a copy that ends with a zero byte.

/// A call to the system that did not work.
public struct FileProblem: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file or folder.
  public var path: String
  /// What was tried.
  public var action: String
  /// The system's number of the problem.
  public var code: Int32

  /// What could not be done, and why.
  public var description: String {
    // Safe: the system's texts end with a zero byte; this thread's is copied at once.
    unsafe "cannot \(action) \(path): \(String(cString: strerror(code)))"
  }

  init(_ action: String, _ path: String) {
    self.path = path
    self.action = action
    code = errno
  }
}

/// An open file, closed at the end of its life.
struct OpenFile: ~Copyable {
  let descriptor: Int32
  let path: String

  init(_ path: String, _ flags: Int32) throws(FileProblem) {
    descriptor = unsafe open(path, flags | O_CLOEXEC, 0o644)
    self.path = path
    guard descriptor >= 0 else { throw FileProblem("open", path) }
  }

  deinit { close(descriptor) }

  /// Reads from the start to the end of the file, but not more than `limit` bytes.
  func contents(limit: Int) throws(FileProblem) -> [UInt8] {
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 1 << 14)
    while bytes.count < limit {
      // Safe: the system writes at most `part.count` bytes into `part`.
      let count = unsafe pread(descriptor, &part, part.count, off_t(bytes.count))
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw FileProblem("read", path) }
      if count == 0 { break }
      bytes.append(contentsOf: part.prefix(min(count, limit - bytes.count)))
    }
    return bytes
  }

  /// Writes bytes and makes them durable.
  func write(_ bytes: [UInt8]) throws(FileProblem) {
    try write(bytes, at: 0)
    guard fsync(descriptor) == 0 else { throw FileProblem("write", path) }
  }

  func write(_ bytes: [UInt8], at offset: Int) throws(FileProblem) {
    var done = 0
    while done < bytes.count {
      // Safe: the system reads at most the bytes that the buffer has.
      let count = unsafe bytes[done...].withUnsafeBytes { bytes in
        unsafe pwrite(descriptor, bytes.baseAddress, bytes.count, off_t(offset + done))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw FileProblem("write", path) }
      done += count
    }
  }

  /// Cuts the file off behind so many bytes.
  func cut(to byteCount: Int) throws(FileProblem) {
    guard ftruncate(descriptor, off_t(byteCount)) == 0 else { throw FileProblem("cut", path) }
  }

  /// Whether no other process or descriptor held the file's lock; it is held from now on.
  func tryLock() -> Bool { flock(descriptor, LOCK_EX | LOCK_NB) == 0 }

  /// Whether `path` still leads to this file.
  var isLinked: Bool {
    var mine = stat()
    var named = stat()
    // Safe: both are of the type that the system fills.
    return unsafe fstat(descriptor, &mine) == 0 && stat(path, &named) == 0
      && mine.st_ino == named.st_ino && mine.st_dev == named.st_dev
  }
}

/// Makes a folder with those above it.
package func makeFolder(_ path: String) throws(FileProblem) {
  var made = path.hasPrefix("/") ? "/" : ""
  for part in path.split(separator: "/") {
    made += made.isEmpty || made.hasSuffix("/") ? String(part) : "/\(part)"
    if unsafe mkdir(made, 0o755) != 0, errno != EEXIST {
      throw FileProblem("make the folder", made)
    }
  }
}

/// The first bytes of a file, nil if there is none.
package func fileContents(_ path: String, limit: Int) throws(FileProblem) -> [UInt8]? {
  do throws(FileProblem) {
    let file = try OpenFile(path, O_RDONLY)
    return try file.contents(limit: limit)
  } catch {
    if error.code == ENOENT { return nil }
    throw error
  }
}

/// Names of the files in a folder, sorted by bytes; none if there is no such folder.
package func fileNames(inFolder path: String) throws(FileProblem) -> [String] {
  // Safe: the handle is closed once, after its last use; an entry is read before the next call.
  guard let folder = unsafe opendir(path) else {
    if errno == ENOENT { return [] }
    throw FileProblem("list", path)
  }
  defer { unsafe closedir(folder) }
  var names: [String] = []
  while let entry = unsafe readdir(folder) {
    let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
      unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    if !name.hasPrefix(".") { names.append(name) }
  }
  return names.sorted(by: isBefore)
}

/// Writes a file so that others see all of it or nothing.
func writeAtomically(_ bytes: [UInt8], folder: String, name: String) throws(FileProblem) {
  var random = SystemRandomNumberGenerator()
  let temporary = "\(folder)/.\(name).\(getpid()).\(random.next())"
  do throws(FileProblem) {
    let file = try OpenFile(temporary, O_WRONLY | O_CREAT | O_EXCL)
    try file.write(bytes)
    guard unsafe rename(temporary, "\(folder)/\(name)") == 0 else {
      throw FileProblem("rename to \(name)", temporary)
    }
  } catch {
    try? removeFile(temporary)
    throw error
  }
  // The name, too, must outlive a loss of power.
  let parent = try OpenFile(folder, O_RDONLY)
  guard fsync(parent.descriptor) == 0 else { throw FileProblem("write", folder) }
}

/// Gives a file another name.
package func moveFile(_ path: String, to other: String) throws(FileProblem) {
  guard unsafe rename(path, other) == 0 else { throw FileProblem("rename to \(other)", path) }
}

/// Removes a file; one that is not there is no problem.
package func removeFile(_ path: String) throws(FileProblem) {
  if unsafe unlink(path) != 0, errno != ENOENT { throw FileProblem("remove", path) }
}

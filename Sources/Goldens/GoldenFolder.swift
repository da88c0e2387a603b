// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// Files and folders by system calls.
enum GoldenFolder {
  /// The error of the system call that has just failed.
  static func error(_ path: String, _ operation: String) -> GoldenError {
    GoldenError(
      .file, path, expected: "to \(operation)",
      // The text is copied before any other call.
      found: unsafe String(cString: strerror(errno)), remedy: "check the path and the rights")
  }

  /// Reads a regular file that is not a link.
  static func bytes(_ path: String, atMost limit: Int) throws(GoldenError) -> [UInt8] {
    guard !path.utf8.contains(0) else {
      throw GoldenError(
        .file, path, expected: "a path", found: "a path that contains NUL",
        remedy: "check the path")
    }
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)
    guard descriptor >= 0 else { throw error(path, "open the file") }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw error(path, "read the file") }
    guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= limit else {
      throw GoldenError(
        .wrongFile, path, expected: "a regular file of at most \(limit) bytes",
        found: "\(status.st_size) bytes or another kind of file")
    }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    var count = 0
    while count < bytes.count {
      let start = count
      let done = unsafe bytes.withUnsafeMutableBytes { buffer in
        unsafe pread(
          descriptor, buffer.baseAddress.map { unsafe $0 + start }, buffer.count - start,
          off_t(start))
      }
      if done < 0, errno == EINTR { continue }
      guard done > 0 else { throw error(path, "read the file") }
      count += done
    }
    return bytes
  }

  /// The names in a folder without `.` and `..`.
  static func names(in path: String) throws(GoldenError) -> Set<String> {
    guard let folder = unsafe opendir(path) else { throw error(path, "open the folder") }
    defer { unsafe closedir(folder) }
    var names: Set<String> = []
    while let entry = unsafe readdir(folder) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        // The system ends names with NUL inside the field.
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
          unsafe String(cString: $0)
        }
      }
      if name != ".", name != ".." { names.insert(name) }
    }
    return names
  }

  /// Writes a file that is not there yet, durably.
  static func write(_ bytes: [UInt8], toNew path: String) throws(GoldenError) {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw error(path, "create the file") }
    defer { close(descriptor) }
    var count = 0
    while count < bytes.count {
      let start = count
      let done = unsafe bytes.withUnsafeBytes { buffer in
        // The rest of the buffer, which lives as long as the closure.
        unsafe pwrite(
          descriptor, buffer.baseAddress.map { unsafe $0 + start }, buffer.count - start,
          off_t(start))
      }
      if done < 0, errno == EINTR { continue }
      guard done > 0 else { throw error(path, "write the file") }
      count += done
    }
    guard fsync(descriptor) == 0 else { throw error(path, "make the file durable") }
  }
}

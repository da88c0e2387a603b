// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// Mapping of whole files into memory.
extension TensorStorage {
  /// Maps a regular file read-only, without reading it.
  ///
  /// The file must not be truncated while it is mapped: the system ends a process that reads past
  /// the end of a file.
  ///
  /// - Throws: `TensorError.file` if the file cannot be opened or is not a regular file.
  public static func mapping(_ path: String) throws(TensorError) -> TensorStorage {
    // The system would end the path there and open another file.
    guard !path.utf8.contains(0) else {
      throw .file(path: path, operation: "open", reason: "the path contains a zero byte")
    }
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .system(path, "open") }
    defer { close(descriptor) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw .system(path, "read") }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .file(path: path, operation: "map", reason: "it is not a regular file")
    }
    let count = Int(status.st_size)
    guard count > 0 else { return try ByteBuffer(count: 0).freeze() }
    guard let base = unsafe mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0),
      unsafe base != MAP_FAILED
    else { throw .system(path, "map") }
    return unsafe TensorStorage(owning: base, count: count, isMapped: true)
  }
}

extension TensorError {
  /// The error of the system call that has just failed.
  package static func system(_ path: String, _ operation: String) -> TensorError {
    .file(path: path, operation: operation, reason: unsafe String(cString: strerror(errno)))
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#if canImport(Glibc)
internal import Glibc
#else
internal import Musl
#endif

/// The first bytes of a file and the file's identity, checked before the library sees it.
struct Superblock {
  /// The size of the file in bytes.
  let fileByteCount: Int
  private let identity: stat

  private static let byteCount = 48
  private static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]

  /// Checks a regular file: the signature at its begin, version 2 or 3, nothing before or after what
  /// the superblock covers, no extension.
  init(path: String, limits: HDF5Limits) throws(HDF5Error) {
    let place = Place(path: path)
    // The system would end the path there and open another file.
    guard !path.utf8.contains(0) else {
      throw HDF5Error(
        .file, at: place, expected: "a path", found: "a path that contains NUL",
        remedy: "check the path")
    }
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .system(path, "open the file") }
    defer { close(descriptor) }
    identity = try Self.status(of: descriptor, path: path)
    guard identity.st_mode & S_IFMT == S_IFREG else {
      throw HDF5Error(
        .file, at: place, expected: "a regular file", found: "another kind of file",
        remedy: "check the path")
    }
    fileByteCount = Int(identity.st_size)
    guard fileByteCount <= limits.fileByteCount else {
      throw HDF5Error(
        .overLimit, at: place, expected: "at most \(limits.fileByteCount) bytes",
        found: "\(fileByteCount)", remedy: "check the file or raise the limit")
    }
    var bytes = [UInt8](repeating: 0, count: Self.byteCount)
    let count = unsafe bytes.withUnsafeMutableBytes { buffer in
      unsafe pread(descriptor, buffer.baseAddress, buffer.count, 0)
    }
    guard count >= 0 else { throw .system(path, "read the file") }
    guard count == Self.byteCount, bytes.starts(with: Self.signature) else {
      throw .refused(
        .invalidSuperblock, at: place, expected: "the HDF5 signature at the begin of the file",
        found: "none")
    }
    try Self.check(bytes, fileByteCount: fileByteCount, at: place)
  }

  /// Checks the fields of a superblock of version 2 or 3.
  private static func check(
    _ bytes: [UInt8], fileByteCount: Int, at place: Place
  ) throws(HDF5Error) {
    func field(_ offset: Int) -> UInt64 {
      bytes[offset..<offset + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    let version = bytes[8]
    guard version == 2 || version == 3 else {
      throw .refused(
        .invalidSuperblock, at: place,
        expected: "superblock version 2 or 3, whose metadata have "
          + "checksums", found: "version \(version)")
    }
    guard bytes[9] == 8, bytes[10] == 8, bytes[11] == 0 else {
      throw .refused(
        .invalidSuperblock, at: place,
        expected: "offsets and lengths of 8 bytes and a file that no one is writing",
        found: "\(bytes[9]) and \(bytes[10]) bytes, flags \(bytes[11])")
    }
    guard field(12) == 0, field(20) == .max else {
      throw .refused(
        .invalidSuperblock, at: place, expected: "base address 0 and no superblock extension",
        found: "base address \(field(12)), extension at \(field(20))")
    }
    guard field(28) == UInt64(fileByteCount) else {
      throw .refused(
        .wrongFileSize, at: place, expected: "\(field(28)) bytes, as the superblock says",
        found: "\(fileByteCount)")
    }
  }

  /// Checks that an open descriptor is of the same file, unchanged.
  func checkIdentity(of descriptor: Int32, path: String) throws(HDF5Error) {
    let now = try Self.status(of: descriptor, path: path)
    let isSame =
      now.st_dev == identity.st_dev && now.st_ino == identity.st_ino
      && now.st_size == identity.st_size && now.st_mtim.tv_sec == identity.st_mtim.tv_sec
      && now.st_mtim.tv_nsec == identity.st_mtim.tv_nsec
    guard isSame else {
      throw HDF5Error(
        .fileChanged, at: Place(path: path), expected: "the file that was checked",
        found: "that it was replaced or changed meanwhile", remedy: "try again")
    }
  }

  private static func status(of descriptor: Int32, path: String) throws(HDF5Error) -> stat {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw .system(path, "read the file") }
    return status
  }
}

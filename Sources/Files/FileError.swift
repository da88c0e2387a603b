// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Glibc

/// What kept the system from doing something with a file or a folder.
public struct FileError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The file or folder.
  public let path: String
  /// What was tried.
  public let operation: String
  /// The system's number of the reason, 0 where the system would have done it.
  public let code: Int32
  /// Why it was not done.
  public let reason: String
  private let help: String?

  /// Creates the error of the system call that has just failed, or of one that gave a number.
  public init(_ path: String, _ operation: String, code: Int32? = nil) {
    self.path = path
    self.operation = operation
    self.code = code ?? errno
    // The text is copied before any other call.
    reason = unsafe String(cString: strerror(self.code))
    help = nil
  }

  init(
    _ path: String, _ operation: String, code: Int32 = 0, reason: String, remedy: String? = nil
  ) {
    self.path = path
    self.operation = operation
    self.code = code
    self.reason = reason
    help = remedy
  }

  /// Whether nothing has the name.
  public var isMissing: Bool { code == ENOENT }

  /// Whether something has a name that must be free.
  public var isTaken: Bool { code == EEXIST || code == ENOTEMPTY }

  /// Whether a path can be none of a file.
  public var isInvalidName: Bool { code == EINVAL }

  /// What helps.
  public var remedy: String {
    help
      ?? (code == ENOSPC || code == EDQUOT
        ? "free space on the disk" : "check the path and the rights")
  }

  /// The text shown to people.
  public var description: String {
    "\(path): expected to \(operation), found \(reason); \(remedy)"
  }
}

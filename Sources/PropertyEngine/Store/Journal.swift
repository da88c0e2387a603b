// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Files
internal import Synchronization

/// A file that lines are appended to, each whole or, in a process that was killed, cut short at the
/// end of the file. One process at a time has it: the lock on it is held as long as the journal lives.
public final class Journal: Sendable {
  /// More bytes than this of an earlier process are not read.
  public static let maximumBytes = 1 << 30

  /// The file.
  public let path: String
  private let state: Mutex<State>

  private struct State: ~Copyable {
    let file: OpenFile
    var byteCount: Int
  }

  /// Opens or creates the file in a folder, which is created where it is missing.
  ///
  /// - Returns: Nil if another process has it.
  public static func open(folder: String, name: String) throws(FileError) -> Journal? {
    try FileSystem.makeFolders(folder)
    let path = "\(folder)/\(name)"
    let file = try OpenFile(changing: path)
    guard file.tryLock(), file.isLinked else { return nil }
    return Journal(path, file)
  }

  private init(_ path: String, _ file: consuming OpenFile) {
    self.path = path
    state = Mutex(State(file: file, byteCount: 0))
  }

  /// The whole lines that earlier processes left; what follows them is cut off.
  public func recover() throws(FileError) -> [ArraySlice<UInt8>] {
    try state.withLock { (state) throws(FileError) in
      let bytes = try state.file.contents(atMost: Self.maximumBytes)
      let newline = UInt8(ascii: "\n")
      let end = bytes.lastIndex(of: newline).map { $0 + 1 } ?? 0
      try state.file.cut(to: end)
      state.byteCount = end
      return bytes[..<end].split(separator: newline)
    }
  }

  /// Appends a line, which must not have a line break in it.
  public func append(_ line: [UInt8]) throws(FileError) {
    try state.withLock { (state) throws(FileError) in
      let line = line + [UInt8(ascii: "\n")]
      // Bytes have no padding that could be read uninitialized.
      try state.file.write(unsafe line.span.bytes, at: state.byteCount)
      state.byteCount += line.count
    }
  }

  /// The size of the file in bytes.
  public var byteCount: Int { state.withLock { $0.byteCount } }

  /// Removes all lines.
  public func clear() throws(FileError) {
    try state.withLock { (state) throws(FileError) in
      try state.file.cut(to: 0)
      state.byteCount = 0
    }
  }
}

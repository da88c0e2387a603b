// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Files
internal import Synchronization
public import Tensors

/// Writes the tensors of one safetensors file piece by piece, in any order and from any thread.
///
/// The file is valid only after `finish()`; use a temporary name and rename it then.
public final class SafetensorsWriter: Sendable {
  private struct Progress {
    var writtenByteCounts: [Int]
    var activeWrites = 0
    var isOpen = true
  }

  /// The path of the file.
  public let path: String
  /// The place of each tensor.
  public let layout: SafetensorsLayout
  private let file: OpenFile
  private let progress: Mutex<Progress>

  /// Creates a file that must not exist, reserves its space and writes its header.
  ///
  /// - Throws: `SafetensorsError`, having removed the file that was created.
  public init(path: String, layout: SafetensorsLayout) throws(SafetensorsError) {
    file = try SafetensorsError.ofFiles { () throws(FileError) in
      let file = try OpenFile(creating: path)
      do throws(FileError) {
        try file.allocate(layout.fileByteCount)
        // Bytes have no padding that could be read uninitialized.
        try file.write(unsafe layout.header.span.bytes)
      } catch {
        try? FileSystem.removeFile(path)
        throw error
      }
      return file
    }
    self.path = path
    self.layout = layout
    progress = Mutex(Progress(writtenByteCounts: layout.entries.map { _ in 0 }))
  }

  /// Writes bytes of the tensor at a position of `layout.entries`, from an offset in it.
  ///
  /// - Throws: `SafetensorsError`, with code `invalidWrite` if the bytes are outside of the tensor
  ///   or more than it has are written.
  public func write(
    _ bytes: RawSpan, ofTensorAt position: Int, atByteOffset offset: Int = 0
  ) throws(SafetensorsError) {
    let range = layout.entries[position].fileRange
    guard offset >= 0, offset <= range.count, bytes.byteCount <= range.count - offset else {
      throw failure(
        .invalidWrite, [position], expected: "bytes within the tensor's \(range.count)",
        found: "\(bytes.byteCount) from \(offset) on")
    }
    let isAccepted = progress.withLock { progress in
      guard progress.isOpen,
        bytes.byteCount <= range.count - progress.writtenByteCounts[position]
      else { return false }
      progress.writtenByteCounts[position] += bytes.byteCount
      progress.activeWrites += 1
      return true
    }
    guard isAccepted else {
      throw failure(
        .invalidWrite, [position], expected: "each byte to be written once before the end",
        found: "more")
    }
    do {
      try file.write(bytes, at: range.lowerBound + offset)
      progress.withLock { $0.activeWrites -= 1 }
    } catch {
      progress.withLock {
        $0.activeWrites -= 1
        $0.writtenByteCounts[position] -= bytes.byteCount
      }
      throw SafetensorsError(error)
    }
  }

  /// Writes bytes of a tensor from an offset in it.
  ///
  /// - Throws: `SafetensorsError`, with code `invalidWrite` also if there is no such tensor.
  public func write(
    _ bytes: RawSpan, of name: TensorName, atByteOffset offset: Int = 0
  ) throws(SafetensorsError) {
    guard let position = layout.position(of: name) else {
      throw SafetensorsError(
        .invalidWrite, path: path, keys: [name.text], expected: "a tensor of the layout",
        found: "another", remedy: "plan the tensor before writing it")
    }
    try write(bytes, ofTensorAt: position, atByteOffset: offset)
  }

  /// Checks that all bytes were written and makes the file durable.
  ///
  /// - Throws: `SafetensorsError`, with code `incompleteWrite` naming all unfinished tensors.
  public func finish() throws(SafetensorsError) {
    let (isIdle, incomplete) = progress.withLock { progress in
      let incomplete = layout.entries.indices.filter {
        progress.writtenByteCounts[$0] < layout.entries[$0].fileRange.count
      }
      let isIdle = progress.isOpen && progress.activeWrites == 0
      if isIdle, incomplete.isEmpty { progress.isOpen = false }
      return (isIdle, incomplete)
    }
    guard isIdle else {
      throw failure(
        .invalidWrite, [], expected: "the file to be finished once, after all writes",
        found: "a second end or a write under way")
    }
    guard incomplete.isEmpty else {
      throw failure(
        .incompleteWrite, incomplete, expected: "all bytes of each tensor to be written",
        found: "fewer")
    }
    do {
      try file.synchronize()
    } catch {
      throw SafetensorsError(error)
    }
  }

  private func failure(
    _ code: SafetensorsError.Code, _ positions: [Int], expected: String, found: String
  ) -> SafetensorsError {
    SafetensorsError(
      code, path: path, keys: positions.map { layout.entries[$0].info.name.text },
      expected: expected, found: found, remedy: "write each part of each tensor once, then finish")
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Files
internal import Tensors

/// How the data of a file are reached.
public enum FileAccess: Sendable {
  /// The file is mapped into memory. A process that reads past the end of one that was cut off is ended.
  case mapped
  /// Data are read when they are asked for; a file that was cut off is an error.
  case read
}

/// The bytes of a file, mapped or read when they are asked for.
struct FileBytes: Sendable {
  private enum Source: Sendable {
    case mapped(TensorStorage)
    case read(Handle)
  }

  /// A file that stays open as long as tensors may be asked for.
  private final class Handle: Sendable {
    let file: OpenFile

    init(_ path: String) throws(FileError) {
      file = try OpenFile(reading: path)
    }
  }

  /// What is read into, for all files.
  private static let memory = WarmMemory(mostByteCount: 32 << 20)
  private let source: Source
  /// The size of the file.
  let count: Int

  private init(_ source: Source, _ count: Int) {
    (self.source, self.count) = (source, count)
  }

  init(_ storage: TensorStorage) {
    self.init(.mapped(storage), storage.count)
  }

  init(path: String, _ access: FileAccess) throws(SafetensorsError) {
    if access == .mapped {
      do {
        self.init(try TensorStorage.mapping(path))
      } catch {
        throw SafetensorsError(error, path: path)
      }
      return
    }
    do {
      let handle = try Handle(path)
      self.init(.read(handle), try handle.file.byteCount())
    } catch {
      throw SafetensorsError(error)
    }
  }

  var isMapped: Bool { if case .mapped = source { true } else { false } }

  /// The bytes of a range and where they begin in the storage; one that is mapped has all others, too.
  func storage(_ range: Range<Int>) throws(SafetensorsError) -> (TensorStorage, byteOffset: Int) {
    switch source {
    case .mapped(let storage): return (storage, range.lowerBound)
    case .read(let handle):
      var buffer: ByteBuffer
      do {
        // Reading fills all of it or throws.
        buffer = try ByteBuffer(count: range.count, from: Self.memory, isOverwritten: true)
      } catch {
        throw SafetensorsError(error, path: handle.file.path)
      }
      do {
        // The buffer is this call's alone.
        try unsafe buffer.withUnsafeMutableBytes {
          (bytes: UnsafeMutableRawBufferPointer) throws(FileError) in
          try unsafe handle.file.read(into: bytes, at: range.lowerBound)
        }
      } catch {
        throw SafetensorsError(error)
      }
      return (buffer.freeze(), 0)
    }
  }

  /// At least the header of a safetensors file.
  func head() throws(SafetensorsError) -> TensorStorage {
    let lengthByteCount = SafetensorsHeader.lengthByteCount
    guard !isMapped, count >= lengthByteCount else { return try storage(0..<count).0 }
    let first = try storage(0..<lengthByteCount).0
    let length = SafetensorsHeader.length(in: first.bytes)
    let most = UInt64(min(SafetensorsHeader.maximumByteCount, count - lengthByteCount))
    return try storage(0..<lengthByteCount + Int(min(length, most))).0
  }
}

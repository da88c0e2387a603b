// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Files
public import Tensors

/// A safetensors file whose tensors share its mapped bytes.
public struct SafetensorsFile: Sendable {
  /// The path, or the name given for bytes that are in no file.
  public let path: String
  /// The strings under `__metadata__`, nil if the member is absent.
  public let metadata: SafetensorsMetadata?
  /// The tensors in the order of the header.
  public let stateDict: StateDict
  /// The offset at which the data begin: the size of the header with its length and padding.
  public let dataOffset: Int

  /// Maps a file and checks its header, without reading the data.
  ///
  /// - Throws: `SafetensorsError`.
  /// - Complexity: O(n log n) for n tensors.
  public init(path: String) throws(SafetensorsError) {
    let storage: TensorStorage
    do {
      storage = try .mapping(path)
    } catch {
      throw SafetensorsError(error, path: path)
    }
    do {
      try self.init(storage, path: path)
    } catch {
      throw SafetensorsError.otherFormat(path) ?? error
    }
  }

  /// Checks the header of a whole file in memory.
  ///
  /// - Throws: `SafetensorsError`.
  public init(
    _ storage: TensorStorage, path: String = "safetensors buffer"
  ) throws(SafetensorsError) {
    let header = try SafetensorsHeader(parsing: storage.bytes, path: path)
    var stateDict = StateDict()
    for entry in header.entries {
      do {
        let tensor = try Tensor(
          entry.info.dtype, entry.info.shape, storage: storage,
          byteOffset: entry.range.lowerBound)
        try stateDict.insert(tensor, named: entry.info.name)
      } catch {
        throw SafetensorsError(error, path: path, keys: [entry.info.name.text])
      }
    }
    self.path = path
    self.metadata = header.metadata
    self.stateDict = stateDict
    self.dataOffset = header.dataOffset
  }

  /// The name, element type and shape of each tensor, in the order of the header.
  public var infos: [TensorInfo] { stateDict.infos }

  /// The tensor of a name, not copied, or nil.
  public func tensor(named name: TensorName) -> Tensor? { stateDict[name] }
}

extension SafetensorsFile {
  /// Returns the bytes of a safetensors file, as the original library serializes them.
  ///
  /// - Throws: `SafetensorsError` if the tensors cannot be laid out.
  public static func serialize(
    _ stateDict: StateDict, metadata: SafetensorsMetadata? = nil
  ) throws(SafetensorsError) -> [UInt8] {
    let layout = try SafetensorsLayout(stateDict.infos, metadata: metadata)
    var bytes = layout.header
    bytes.reserveCapacity(layout.fileByteCount)
    for entry in layout.entries {
      // The buffer does not leave the closure.
      unsafe stateDict[entry.info.name]?.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
    }
    return bytes
  }

  /// Writes a safetensors file, replacing one of the same name only when all is written.
  ///
  /// - Throws: `SafetensorsError`, having removed the temporary file.
  public static func write(
    _ stateDict: StateDict, metadata: SafetensorsMetadata? = nil, to path: String
  ) throws(SafetensorsError) {
    let layout = try SafetensorsLayout(stateDict.infos, metadata: metadata)
    let temporary = try SafetensorsError.ofFiles { () throws(FileError) in
      try FileSystem.temporaryPath(beside: path)
    }
    let writer = try SafetensorsWriter(path: temporary, layout: layout)
    do {
      for (name, tensor) in stateDict { try writer.write(tensor.bytes, of: name) }
      try writer.finish()
      try SafetensorsError.ofFiles { () throws(FileError) in
        try FileSystem.move(temporary, to: path)
        try FileSystem.synchronize(folder: FileSystem.split(path).parent)
      }
    } catch {
      try? FileSystem.removeFile(temporary)
      throw error
    }
  }
}

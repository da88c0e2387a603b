// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Files
public import Tensors

/// A safetensors file whose tensors share its bytes where it is mapped, and else are read one by one.
public struct SafetensorsFile: Sendable {
  /// The path, or the name given for bytes that are in no file.
  public let path: String
  /// The strings under `__metadata__`, nil if the member is absent.
  public let metadata: SafetensorsMetadata?
  /// The offset at which the data begin: the size of the header with its length and padding.
  public let dataOffset: Int
  private let entries: [SafetensorsHeader.Entry]
  private let positions: [TensorName: Int]
  private let data: FileBytes

  /// Opens a file and checks its header, without reading the data.
  ///
  /// - Throws: `SafetensorsError`.
  /// - Complexity: O(n log n) for n tensors.
  public init(path: String, access: FileAccess = .mapped) throws(SafetensorsError) {
    let data = try FileBytes(path: path, access)
    do {
      try self.init(data, path: path)
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
    try self.init(FileBytes(storage), path: path)
  }

  private init(_ data: FileBytes, path: String) throws(SafetensorsError) {
    let head = try data.head()
    let header = try SafetensorsHeader(
      parsing: head.bytes, fileByteCount: data.count, path: path)
    self.path = path
    self.data = data
    metadata = header.metadata
    dataOffset = header.dataOffset
    entries = header.entries
    var positions: [TensorName: Int] = [:]
    positions.reserveCapacity(entries.count)
    for (position, entry) in entries.enumerated() { positions[entry.info.name] = position }
    self.positions = positions
  }

  /// Whether the file is mapped.
  public var isMapped: Bool { data.isMapped }

  /// The size of all tensors in bytes.
  public var dataByteCount: Int { data.count - dataOffset }

  /// The name, element type and shape of each tensor, in the order of the header.
  public var infos: [TensorInfo] { entries.map(\.info) }

  /// The tensors in the order of the header, without those that cannot be read any more.
  ///
  /// - Complexity: O(n) for n tensors of a mapped file; of others, all data are read.
  public var stateDict: StateDict {
    var result = StateDict(minimumCapacity: entries.count)
    for entry in entries {
      // The header has no name twice.
      if let tensor = tensor(named: entry.info.name) {
        try? result.insert(tensor, named: entry.info.name)
      }
    }
    return result
  }

  /// The tensor of a name, not copied where the file is mapped; nil also if it cannot be read any more.
  public func tensor(named name: TensorName) -> Tensor? { try? read(name) }

  /// The tensor of a name, or some of its elements as a list; nil if there is none.
  ///
  /// - Throws: `SafetensorsError` if the file was cut off since it was opened.
  public func read(
    _ name: TensorName, elements: Range<Int>? = nil
  ) throws(SafetensorsError) -> Tensor? {
    guard let position = positions[name] else { return nil }
    let (info, whole) = (entries[position].info, entries[position].range)
    let width = info.dtype.byteCount
    let range = elements.map {
      whole.lowerBound + $0.lowerBound * width..<whole.lowerBound + $0.upperBound * width
    }
    let (storage, byteOffset) = try data.storage(range ?? whole)
    do {
      return try Tensor(
        info.dtype, elements.map { try Shape([$0.count]) } ?? info.shape, storage: storage,
        byteOffset: byteOffset)
    } catch let error as TensorError {
      throw SafetensorsError(error, path: path, keys: [name.text])
    } catch {
      return nil
    }
  }
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

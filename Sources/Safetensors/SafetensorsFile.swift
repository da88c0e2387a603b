// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

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
    try self.init(storage, path: path)
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

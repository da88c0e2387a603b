// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

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
    let parent = try FileSystem.split(path).parent
    let writer = try FileSystem.makeTemporary(beside: path) {
      (temporary) throws(SafetensorsError) in
      try SafetensorsWriter(path: temporary, layout: layout)
    }
    do {
      for (name, tensor) in stateDict { try writer.write(tensor.bytes, of: name) }
      try writer.finish()
      try FileSystem.move(writer.path, to: path)
    } catch {
      FileSystem.removeFile(writer.path)
      throw error
    }
    try FileSystem.syncFolder(parent)
  }
}

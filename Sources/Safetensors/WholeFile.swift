// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Writes files that appear under their names only when all is written.
public enum WholeFile {
  /// Writes a file, replacing one of the same name.
  ///
  /// - Throws: `SafetensorsError`, having removed the temporary file.
  public static func write(_ bytes: [UInt8], to path: String) throws(SafetensorsError) {
    let parent = try FileSystem.split(path).parent
    let temporary = try FileSystem.makeTemporary(beside: path) {
      (temporary) throws(SafetensorsError) in
      // Bytes have no padding that could be read uninitialized.
      try OutputFile.write(unsafe bytes.span.bytes, to: temporary)
      return temporary
    }
    do {
      try FileSystem.move(temporary, to: path)
    } catch {
      FileSystem.removeFile(temporary)
      throw error
    }
    try FileSystem.syncFolder(parent)
  }
}

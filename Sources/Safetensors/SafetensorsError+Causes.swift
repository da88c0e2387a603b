// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Files
internal import StrictJSON
internal import Tensors

extension SafetensorsError {
  static let damagedRemedy = "the file is damaged or not safetensors; download or write it again"

  /// The error of a file whose bytes are wrong.
  static func damaged(
    _ code: Code, _ path: String, at byteOffset: Int? = nil, keys: [String] = [],
    expected: String, found: String
  ) -> SafetensorsError {
    SafetensorsError(
      code, path: path, byteOffset: byteOffset, keys: keys, expected: expected, found: found,
      remedy: damagedRemedy)
  }

  /// The error of JSON text that begins at an offset of a file.
  init(_ error: JSONError, path: String, textOffset: Int, remedy: String) {
    let code: Code =
      switch error.code {
      case .duplicateKey: .duplicateKey
      case .typeMismatch: .invalidMember
      case .missingMember: .missingMember
      case .unknownMember: .unknownMember
      default: .invalidJSON
      }
    self.init(
      code, path: path, byteOffset: textOffset + error.byteOffset,
      expected: "\(error.expected) at \(error.path)", found: error.found, remedy: remedy)
  }

  /// The error of a tensor or of the memory below it.
  init(_ error: TensorError, path: String, keys: [String] = []) {
    let code: Code =
      switch error {
      case .duplicateName: .duplicateKey
      case .invalidShape: .sizeOverflow
      case .byteCountMismatch: .sizeMismatch
      case .outOfMemory, .unsupportedCast, .file: .file
      }
    let found =
      if case .file(_, let operation, let reason) = error {
        "that one cannot \(operation) it: \(reason)"
      } else {
        "\(error)"
      }
    self.init(
      code, path: path, keys: keys, expected: "a readable file of valid tensors", found: found,
      remedy: "check the path, the rights and the content of the file")
  }

  /// The error of a file or folder.
  init(_ error: FileError) {
    let code: Code =
      error.isTaken ? .alreadyExists : error.isInvalidName ? .invalidFileName : .file
    self.init(
      code, path: error.path, expected: "to \(error.operation)", found: error.reason,
      remedy: error.remedy)
  }

  /// Calls a closure, and gives its error as one of this type.
  static func ofFiles<R: ~Copyable>(
    _ body: () throws(FileError) -> R
  ) throws(SafetensorsError) -> R {
    do {
      return try body()
    } catch {
      throw SafetensorsError(error)
    }
  }
}

extension TensorInfo {
  /// The size of the data in bytes; the error names a path.
  func byteCount(path: String) throws(SafetensorsError) -> Int {
    do {
      return try shape.byteCount(of: dtype)
    } catch {
      throw SafetensorsError(error, path: path, keys: [name.text])
    }
  }
}

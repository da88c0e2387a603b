// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import StrictJSON
internal import Tensors

#if canImport(Glibc)
internal import Glibc
#else
internal import Musl
#endif

extension SafetensorsError {
  static let damagedRemedy = "the file is damaged or not safetensors; download or write it again"

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

  /// The error of the system call that has just failed.
  static func system(_ path: String, _ operation: String, code number: Int32 = errno) -> Self {
    SafetensorsError(
      number == EEXIST || number == ENOTEMPTY ? .alreadyExists : .file, path: path,
      expected: "to \(operation)", found: unsafe String(cString: strerror(number)),
      remedy: number == ENOSPC || number == EDQUOT
        ? "free space on the disk" : "check the path and the rights")
  }
}

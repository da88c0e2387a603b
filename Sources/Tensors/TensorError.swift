// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What can be wrong with a tensor, a state dict or the memory below them.
public enum TensorError: Error, Hashable, CustomStringConvertible {
  /// The extents are negative or their product overflows.
  case invalidShape(extents: [Int], reason: String)
  /// The data does not have the size that shape and element type require.
  case byteCountMismatch(expected: Int, found: Int)
  /// A key occurs twice in one state dict.
  case duplicateName(TensorName)
  /// The system has no memory of this size.
  case outOfMemory(byteCount: Int)
  /// There is no conversion between two element types.
  case unsupportedCast(from: DType, to: DType)
  /// A system call on a file failed.
  case file(path: String, operation: String, reason: String)

  /// The text shown to people.
  public var description: String {
    switch self {
    case .invalidShape(let extents, let reason):
      "shape \(extents) is invalid: \(reason)"
    case .byteCountMismatch(let expected, let found):
      "the tensor needs \(expected) bytes of data, but \(found) are given"
    case .duplicateName(let name):
      "the key '\(name)' occurs twice"
    case .outOfMemory(let byteCount):
      "cannot allocate \(byteCount) bytes"
    case .unsupportedCast(let from, let to):
      "\(from) cannot be cast to \(to): only floating-point types other than F8_E8M0 are cast to"
    case .file(let path, let operation, let reason):
      "cannot \(operation) '\(path)': \(reason)"
    }
  }
}

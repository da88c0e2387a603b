// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What is known of a tensor without its data: name, element type and shape.
public struct TensorInfo: Sendable, Hashable, CustomStringConvertible {
  /// The key in the state dict.
  public let name: TensorName
  /// The element type.
  public let dtype: DType
  /// The extents.
  public let shape: Shape

  /// Creates a description of a tensor.
  public init(_ name: TensorName, _ dtype: DType, _ shape: Shape) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
  }

  /// The text shown to people.
  public var description: String { "\(name) \(dtype) \(shape)" }
}

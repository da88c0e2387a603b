// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// An immutable, contiguous, row-major array of bit patterns with an element type and a shape.
///
/// Equality is equality of element type, shape and bits: `-0.0` differs from `0.0` and a NaN
/// equals itself.
public struct Tensor: Sendable {
  /// The element type.
  public let dtype: DType
  /// The extents.
  public let shape: Shape
  private let storage: TensorStorage
  private let byteOffset: Int
  /// The size of the data in bytes.
  public let byteCount: Int

  /// Creates a tensor over a part of a storage, without copying.
  ///
  /// - Throws: `TensorError.byteCountMismatch` if the part lies outside the storage,
  ///   `TensorError.invalidShape` if the size overflows.
  public init(_ dtype: DType, _ shape: Shape, storage: TensorStorage, byteOffset: Int = 0)
    throws(TensorError)
  {
    let byteCount = try shape.byteCount(of: dtype)
    let isInside = byteOffset >= 0 && byteOffset <= storage.count
    let available = isInside ? storage.count - byteOffset : 0
    guard isInside, byteCount <= available else {
      throw .byteCountMismatch(expected: byteCount, found: available)
    }
    self.dtype = dtype
    self.shape = shape
    self.storage = storage
    self.byteOffset = byteOffset
    self.byteCount = byteCount
  }

  /// Creates a tensor from a copy of little-endian bytes.
  ///
  /// - Throws: `TensorError.byteCountMismatch` if their number is not what the shape needs.
  public init(_ dtype: DType, _ shape: Shape, bytes: [UInt8]) throws(TensorError) {
    let expected = try shape.byteCount(of: dtype)
    guard bytes.count == expected else {
      throw .byteCountMismatch(expected: expected, found: bytes.count)
    }
    // Bytes have no padding that could be read uninitialized.
    try self.init(dtype, shape, storage: unsafe TensorStorage.copying(bytes.span.bytes))
  }

  /// Creates a tensor whose element at each row-major position has the low bits of a value.
  ///
  /// - Throws: `TensorError.outOfMemory`, `TensorError.invalidShape`.
  public init(_ dtype: DType, _ shape: Shape, bits: (Int) -> UInt64) throws(TensorError) {
    var buffer = try ByteBuffer(count: shape.byteCount(of: dtype))
    let width = dtype.byteCount
    unsafe buffer.withUnsafeMutableBytes { (bytes: UnsafeMutableRawBufferPointer) in
      for index in 0..<shape.elementCount {
        let value = bits(index)
        for byte in 0..<width {
          unsafe bytes[index * width + byte] = UInt8(truncatingIfNeeded: value >> (8 * byte))
        }
      }
    }
    try self.init(dtype, shape, storage: buffer.freeze())
  }

  /// The same bits as elements of a type of the same width, not copied; nil for another width.
  public func viewed(as dtype: DType) -> Tensor? {
    guard dtype.byteCount == self.dtype.byteCount else { return nil }
    return try? Tensor(dtype, shape, storage: storage, byteOffset: byteOffset)
  }

  /// Elements by their row-major positions as a vector, not copied.
  public func elements(_ range: Range<Int>) throws(TensorError) -> Tensor {
    precondition(range.lowerBound >= 0 && range.upperBound <= shape.elementCount)
    return try Tensor(
      dtype, Shape([range.count]), storage: storage,
      byteOffset: byteOffset + range.lowerBound * dtype.byteCount)
  }

  /// The same elements in another shape of as many, not copied; nil of a shape that has not as many.
  public func reshaped(_ shape: Shape) -> Tensor? {
    guard shape.elementCount == self.shape.elementCount else { return nil }
    return try? Tensor(dtype, shape, storage: storage, byteOffset: byteOffset)
  }

  /// The data as little-endian bytes.
  public var bytes: RawSpan {
    @_lifetime(borrow self)
    get {
      let span = storage.bytes.extracting(byteOffset..<byteOffset + byteCount)
      // self holds the storage and is borrowed for the lifetime of the span.
      return unsafe _overrideLifetime(span, borrowing: self)
    }
  }

  /// The bit pattern of the element at a row-major position.
  public func bits(at index: Int) -> UInt64 {
    precondition(index >= 0 && index < shape.elementCount, "element \(index) of \(shape)")
    let width = dtype.byteCount
    var value: UInt64 = 0
    for byte in 0..<width {
      value |= UInt64(storage.bytes.byte(at: byteOffset + index * width + byte)) << (8 * byte)
    }
    return value
  }

  /// Gives access to the data, which must not escape the closure.
  @unsafe
  public func withUnsafeBytes<R, E: Error>(
    _ body: (UnsafeRawBufferPointer) throws(E) -> R
  ) throws(E) -> R {
    try unsafe storage.withUnsafeBytes { (all: UnsafeRawBufferPointer) throws(E) in
      try unsafe body(UnsafeRawBufferPointer(rebasing: all[byteOffset..<byteOffset + byteCount]))
    }
  }
}

extension Tensor: Equatable {
  /// Whether element type, shape and all bits are equal.
  ///
  /// - Complexity: O(bytes).
  public static func == (lhs: Tensor, rhs: Tensor) -> Bool {
    lhs.dtype == rhs.dtype && lhs.shape == rhs.shape && lhs.bytes.isEqual(to: rhs.bytes)
  }
}

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

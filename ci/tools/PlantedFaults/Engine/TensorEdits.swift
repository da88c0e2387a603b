// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// Edits of tensors that make an adapter faulty; those of axes leave alone what lacks the axis.
extension Tensor {
  /// A tensor of a shape whose elements stand at other positions of this one; zero where nil or
  /// outside.
  public func reindexed(_ shape: Shape? = nil, _ source: (Int) -> Int?) throws -> Tensor {
    let positions = 0..<self.shape.elementCount
    return try Tensor(dtype, shape ?? self.shape) { index in
      guard let position = source(index), positions.contains(position) else { return 0 }
      return bits(at: position)
    }
  }

  /// A tensor whose places along an axis hold what other places held.
  public func permuting(axis: Int, _ source: (Int) -> Int?) throws -> Tensor {
    guard axis < shape.rank else { return self }
    return try selecting(axis: axis, (0..<shape[axis]).map(source))
  }

  /// A tensor that has along an axis what stood at some places.
  public func selecting(axis: Int, _ places: [Int?]) throws -> Tensor {
    guard axis < shape.rank else { return self }
    var extents = shape.extents
    extents[axis] = places.count
    let inner = shape.extents[(axis + 1)...].reduce(1, *)
    let count = shape[axis]
    return try reindexed(Shape(extents)) { index in
      let place = index / inner % places.count
      let outer = index / inner / places.count
      return places[place].map { (outer * count + $0) * inner + index % inner }
    }
  }

  /// The last two axes exchanged.
  public func transposed() throws -> Tensor {
    guard shape.rank > 1 else { return self }
    var extents = shape.extents
    extents.swapAt(extents.count - 1, extents.count - 2)
    let (rows, columns) = (extents[extents.count - 2], extents[extents.count - 1])
    return try reindexed(Shape(extents)) { index in
      let (row, column) = (index / columns % rows, index % columns)
      return index / (rows * columns) * rows * columns + column * rows + row
    }
  }

  /// The same elements in another shape.
  public func reshaped(_ shape: Shape) throws -> Tensor { try reindexed(shape) { $0 } }

  /// The elements in another type.
  public func cast(to dtype: DType) throws -> Tensor {
    let cast = try Cast(from: self.dtype, to: dtype)
    return try Tensor(dtype, shape) { cast(bits: bits(at: $0)) }
  }

  /// Each element's bits changed.
  public func mappingBits(_ map: (UInt64) -> UInt64) throws -> Tensor {
    try Tensor(dtype, shape) { map(bits(at: $0)) }
  }

  /// Each number changed by way of a 32-bit one; types without fractions stay as they are.
  func mappingNumbers(_ map: (Float) -> Float) throws -> Tensor {
    guard dtype != .f32 else {
      return try mappingBits { bits in
        UInt64(map(Float(bitPattern: UInt32(truncatingIfNeeded: bits))).bitPattern)
      }
    }
    guard Cast.isSupported(from: dtype, to: .f32), dtype != .f8E8M0 else { return self }
    return try cast(to: .f32).mappingNumbers(map).cast(to: dtype)
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// A tensor whose elements are numbers of their own, so that what is done to it can be seen.
struct NumberedTensor: Equatable {
  let shape: [Int]
  var numbers: [Int]

  init(_ shape: [Int], from start: Int) {
    self.shape = shape
    numbers = Array(start..<start + shape.reduce(1, *))
  }

  /// A tensor whose element at each index a function gives.
  init(_ shape: [Int], _ number: ([Int]) -> Int) {
    self.shape = shape
    numbers = []
    for position in 0..<shape.reduce(1, *) { numbers.append(number(shape.indices(at: position))) }
  }

  subscript(index: [Int]) -> Int { numbers[position(of: index)] }

  /// The position of an index, row after row.
  func position(of index: [Int]) -> Int {
    var position = 0
    for axis in shape.indices { position = position * shape[axis] + index[axis] }
    return position
  }

  /// The parts from bound to bound along an axis.
  func cut(at bounds: [Int], along axis: Int) -> [NumberedTensor] {
    var result: [NumberedTensor] = []
    for (start, end) in zip(bounds, bounds.dropFirst()) {
      var part = shape
      part[axis] = end - start
      result.append(
        NumberedTensor(part) { index in
          var index = index
          index[axis] += start
          return self[index]
        })
    }
    return result
  }

  /// At most so many parts of one size; the last may be smaller.
  func chunks(_ count: Int, along axis: Int) -> [NumberedTensor] {
    let size = max(1, (shape[axis] + count - 1) / count)
    let bounds = Array(stride(from: 0, to: shape[axis], by: size)) + [shape[axis]]
    return cut(at: bounds, along: axis)
  }

  /// The same elements without an axis of one index.
  func removing(axis: Int) -> NumberedTensor {
    var extents = shape
    extents.remove(at: axis)
    var index = 0
    return NumberedTensor(extents) { _ in
      defer { index += 1 }
      return numbers[index]
    }
  }

  func transposed(_ one: Int, _ other: Int) -> NumberedTensor {
    var extents = shape
    extents.swapAt(one, other)
    return NumberedTensor(extents) { index in
      var index = index
      index.swapAt(one, other)
      return self[index]
    }
  }

  /// The elements of two halves in turn, or those of one parity after the others.
  func interleaved(along axis: Int, inverse: Bool) -> NumberedTensor {
    let (half, shape) = (shape[axis] / 2, shape)
    return NumberedTensor(shape) { index in
      var index = index
      let place = index[axis]
      index[axis] = inverse ? place / 2 + place % 2 * half : place % half * 2 + place / half
      return self[index]
    }
  }

  /// Tensors one after another along an axis, or nil if their other axes differ.
  static func joined(_ tensors: [NumberedTensor], along axis: Int) -> NumberedTensor? {
    guard let first = tensors.first, axis < first.shape.count else { return nil }
    var shape = first.shape
    shape[axis] = 0
    for tensor in tensors {
      var other = tensor.shape
      guard other.count == shape.count else { return nil }
      shape[axis] += other[axis]
      (other[axis], shape[axis]) = (shape[axis], other[axis])
      guard other.enumerated().allSatisfy({ $0.offset == axis || $0.element == shape[$0.offset] })
      else { return nil }
      shape[axis] = other[axis]
    }
    return NumberedTensor(shape) { index in
      var index = index
      var tensor = 0
      while index[axis] >= tensors[tensor].shape[axis] {
        index[axis] -= tensors[tensor].shape[axis]
        tensor += 1
      }
      return tensors[tensor][index]
    }
  }

  /// Tensors of one shape with an axis of their own, or nil if shapes differ.
  static func stacked(_ tensors: [NumberedTensor], along axis: Int) -> NumberedTensor? {
    guard let shape = tensors.first?.shape, tensors.allSatisfy({ $0.shape == shape }) else {
      return nil
    }
    var extents = shape
    extents.insert(tensors.count, at: axis)
    return NumberedTensor(extents) { index in
      var index = index
      return tensors[index.remove(at: axis)][index]
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
import Layouts
import Tensors

/// Edits of keys and tensors that laws put on both sides of a conversion.
struct KeyEdits {
  let layout: Layout

  /// The axis that counts experts of a tensor on disk or in native form, or nil of others.
  func expertAxis(_ name: TensorName) -> Int? { expertAxis(LenientKey(name, layout)) }

  private func expertAxis(_ key: LenientKey) -> Int? {
    if case .group(let group) = key.subject { return layout.groups[group].expertAxis }
    guard let rule = key.tensor.map({ layout.tensors[$0] }), rule.isOfExperts else { return nil }
    switch key.subject {
    case .tensor, .renamed: return rule.expertAxis
    default: return nil
    }
  }

  /// A tensor with its name after each expert was put in the place that an order gives it.
  func movingExperts(
    _ name: TensorName, _ tensor: Tensor, to order: [Int]
  ) throws(TensorError) -> (TensorName, Tensor) {
    let key = LenientKey(name, layout)
    if let axis = expertAxis(key) {
      return (name, try tensor.movingSlices(along: axis, to: order))
    }
    guard let expert = key.expert, order.indices.contains(expert) else { return (name, tensor) }
    return (key.withExpert(order[expert]), tensor)
  }

  /// The key of the other one of two layers, or the key itself if it belongs to neither.
  func exchangingLayers(
    _ name: TensorName, _ first: Int, _ second: Int, prefix: String
  ) -> TensorName {
    for (layer, other) in [(first, second), (second, first)] {
      let start = layout.start(ofLayer: layer, under: prefix)
      if name.text.hasPrefix(start) {
        let other = layout.start(ofLayer: other, under: prefix)
        return TensorName("\(other)\(name.text.dropFirst(start.count))")
      }
    }
    return name
  }
}

extension TensorRule {
  /// The axis on disk that counts experts, or nil if there is none.
  var expertAxis: Int? { axes.firstIndex { $0.letter == "e" } }
}

extension StateDict {
  /// The same tensors in an order that a seed decides.
  func reordered(by seed: UInt64) -> StateDict {
    let shuffled = Array(self).shuffled(by: seed)
    // Names stay as distinct as they were.
    return (try? StateDict(shuffled.map { ($0.name, $0.tensor) })) ?? self
  }
}

extension Tensor {
  /// The tensor whose slice `order[i]` along an axis is this one's slice `i`.
  func movingSlices(along axis: Int, to order: [Int]) throws(TensorError) -> Tensor {
    guard axis < shape.rank, shape[axis] == order.count, !order.isEmpty else { return self }
    var sources = order
    for (source, destination) in order.enumerated() { sources[destination] = source }
    let size = shape.strides[axis] * dtype.byteCount
    var result: [UInt8] = []
    result.reserveCapacity(byteCount)
    // The buffer does not leave the closure, and each range lies within it.
    unsafe withUnsafeBytes { (bytes: UnsafeRawBufferPointer) in
      for start in stride(from: 0, to: byteCount, by: max(1, size * order.count)) {
        for source in sources {
          unsafe result.append(
            contentsOf: bytes[start + source * size..<start + (source + 1) * size])
        }
      }
    }
    return try Tensor(dtype, shape, bytes: result)
  }

  /// The tensors one after the other along an axis, or nil where they do not fit.
  init?(joining parts: [Tensor], along axis: Int) throws(TensorError) {
    guard let first = parts.first, axis < first.shape.rank,
      parts.allSatisfy({ part in
        part.dtype == first.dtype && part.shape.rank == first.shape.rank
          && (0..<first.shape.rank).allSatisfy { $0 == axis || part.shape[$0] == first.shape[$0] }
      })
    else { return nil }
    var extents = first.shape.extents
    // Empty tensors may have any number of slices.
    extents[axis] = 0
    for part in parts {
      let (sum, overflows) = extents[axis].addingReportingOverflow(part.shape[axis])
      guard !overflows else { return nil }
      extents[axis] = sum
    }
    // Empty tensors may have extents whose product is too large.
    let outer = parts.contains { $0.byteCount > 0 } ? extents[..<axis].reduce(1, *) : 0
    var bytes: [UInt8] = []
    for index in 0..<outer {
      for part in parts {
        let size = part.byteCount / outer
        // The buffer does not leave the closure.
        unsafe part.withUnsafeBytes {
          unsafe bytes.append(contentsOf: $0[index * size..<(index + 1) * size])
        }
      }
    }
    try self.init(first.dtype, Shape(extents), bytes: bytes)
  }
}

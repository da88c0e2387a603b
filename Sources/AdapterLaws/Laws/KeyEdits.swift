// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
import Tensors

/// Edits of keys by position, which share nothing with an adapter's parsing of them.
extension TensorName {
  private var components: [Substring] {
    text.split(separator: ".", omittingEmptySubsequences: false)
  }

  /// The number behind the first component `layers`, or nil.
  var layerNumber: Int? {
    var components = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
      .makeIterator()
    while let component = components.next() {
      if component.elementsEqual("layers".utf8) {
        return components.next().flatMap { Int(Substring($0)) }
      }
    }
    return nil
  }

  /// The key of the expert in whose place another is put, or the key itself if it is of none of them.
  func withExpert(_ order: [Int]) -> TensorName {
    guard contains("experts.") else { return self }
    var parts = components
    guard let start = parts.firstIndex(of: "experts"), start + 1 < parts.count,
      let expert = Int(parts[start + 1]), order.indices.contains(expert)
    else { return self }
    parts[start + 1] = "\(order[expert])"
    return TensorName(parts.joined(separator: "."))
  }

  /// The key of the other one of two layers, or the key itself if it belongs to neither.
  func exchangingLayers(_ first: Int, _ second: Int, prefix: String) -> TensorName {
    for (layer, other) in [(first, second), (second, first)] {
      let start = "\(prefix)layers.\(layer)."
      if text.hasPrefix(start) {
        return TensorName("\(prefix)layers.\(other).\(text.dropFirst(start.count))")
      }
    }
    return self
  }
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
  /// The tensor whose slice `order[i]` along the first axis is this one's slice `i`.
  func movingSlices(to order: [Int]) throws(TensorError) -> Tensor {
    guard shape.rank > 0, shape[0] == order.count, !order.isEmpty else { return self }
    let size = byteCount / order.count
    var result = [UInt8](repeating: 0, count: byteCount)
    // Both ranges lie within buffers of one size.
    unsafe withUnsafeBytes { (bytes: UnsafeRawBufferPointer) in
      for (source, destination) in order.enumerated() {
        unsafe result.replaceSubrange(
          destination * size..<(destination + 1) * size,
          with: bytes[source * size..<(source + 1) * size])
      }
    }
    return try Tensor(dtype, shape, bytes: result)
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// Elements of one native expert, compared with the elements on disk that an index formula names.
struct ElementSamples {
  private let grouped: TensorInfo
  private let shape: Shape
  private let expert: Int
  private let config: ModelConfig

  /// The elements compared in each expert, spread over all rows and columns.
  private static let count = 256

  init(_ grouped: TensorInfo, _ shape: Shape, expert: Int, _ config: ModelConfig) {
    self.grouped = grouped
    self.shape = shape
    self.expert = expert
    self.config = config
  }

  func compare(
    _ native: Tensor, _ originals: [TensorName: Tensor],
    _ summary: inout CheckpointVerifier.Summary
  ) throws {
    let elements = shape.elementCount
    for index in Set((0..<Self.count).map { Self.position($0, of: elements) }).sorted() {
      let (name, position) = source(of: index)
      guard let original = originals[name] else { continue }
      summary.sampledElementCount += 1
      let cast = try Cast(from: original.dtype, to: native.dtype)
      let expected = cast(bits: original.bits(at: position))
      guard native.bits(at: index) != expected else { continue }
      summary.disagreements.append(
        .init(
          law: .placed, tensor: grouped.name,
          detail: "expert \(expert) element \(index) is \(native.hexadecimal(at: index)), "
            + "but '\(name)' element \(position) is \(original.hexadecimal(at: position))"))
    }
  }

  /// The first and last elements, and others far from each other.
  private static func position(_ sample: Int, of count: Int) -> Int {
    switch sample {
    case 0: 0
    case 1: count - 1
    default: Int((UInt64(sample) &* 0x9e37_79b9_7f4a_7c15) % UInt64(count))
    }
  }

  /// The name and row-major index on disk of a native element of this expert.
  private func source(of index: Int) -> (TensorName, Int) {
    let (hidden, inter) = (config.hiddenSize, config.moeIntermediateSize)
    let columns = shape[2]
    let (row, column) = index.quotientAndRemainder(dividingBy: columns)
    let name = grouped.name.text
    if name.hasSuffix("down_projs") {
      let base = name.dropLast("down_projs".count)
      return ("\(base)\(expert).down_proj.weight", column * inter + row)
    }
    let base = name.dropLast("gate_and_up_projs".count)
    let isGate = columns == 2 * inter && column < inter
    return (
      "\(base)\(expert).\(isGate ? "gate" : "up")_proj.weight", (column % inter) * hidden + row
    )
  }
}

extension TensorInfo {
  /// Whether this is a grouped expert weight, `[experts, columns, rows]`.
  package var isGroupedExperts: Bool {
    name.text.hasSuffix(".mlp.experts.gate_and_up_projs")
      || name.text.hasSuffix(".mlp.experts.down_projs")
  }
}

extension Tensor {
  /// The bit pattern of an element as people write it, such as `0x3f80`.
  func hexadecimal(at index: Int) -> String {
    let digits = String(bits(at: index), radix: 16)
    return "0x" + String(repeating: "0", count: dtype.byteCount * 2 - digits.count) + digits
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// Elements of one native expert, or of a whole group, compared with the elements on disk that an index
/// formula names.
struct ElementSamples {
  private let grouped: TensorInfo
  private let shape: Shape
  private let expert: Int
  private let formulas: IndexFormulas

  /// The elements compared in each expert, spread over all rows and columns.
  private static let count = 256

  /// - Parameters:
  ///   - shape: The shape of what is compared: the group's, or with one expert the group's of one.
  ///   - expert: The first expert of what is compared.
  init(_ grouped: TensorInfo, _ shape: Shape, expert: Int, _ formulas: IndexFormulas) {
    self.grouped = grouped
    self.shape = shape
    self.expert = expert
    self.formulas = formulas
  }

  func compare(
    _ native: Tensor, _ originals: [TensorName: Tensor],
    _ summary: inout CheckpointVerifier.Summary
  ) throws {
    guard var formula = IndexFormula(grouped, formulas) else { return }
    let elements = shape.elementCount
    for index in Set((0..<Self.count).map { Self.position($0, of: elements) }).sorted() {
      var rest = index
      var place = shape.strides.map { stride in
        let (value, remainder) = rest.quotientAndRemainder(dividingBy: max(1, stride))
        rest = remainder
        return value
      }
      place[0] += expert
      guard let (name, position) = formula.origin(of: place), let original = originals[name] else {
        continue
      }
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
}

extension Tensor {
  /// The bit pattern of an element as people write it, such as `0x3f80`.
  func hexadecimal(at index: Int) -> String {
    let digits = String(bits(at: index), radix: 16)
    return "0x" + String(repeating: "0", count: dtype.byteCount * 2 - digits.count) + digits
  }
}

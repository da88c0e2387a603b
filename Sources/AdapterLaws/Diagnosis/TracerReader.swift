// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
import Tensors

/// The digits that tracer checkpoints spell addresses with.
enum TracerDigits {
  /// The number of digits that tell elements apart.
  static func count(elements: Int) -> Int {
    TensorContents.digitCount(elements: UInt64(max(1, elements)))
  }

  /// The contents of the pass for one digit.
  static func contents(_ digit: Int) -> TensorContents {
    TensorContents(.tracer(digit: digit))
  }
}

/// Puts the addresses of one output together, digit by digit.
struct TracerReader {
  private let name: TensorName
  private let dtype: DType
  private let shape: Shape
  /// The bits of the first pass, which constants keep.
  private var first: [UInt64] = []
  private var addresses: [UInt64]
  private var isAddress: [Bool]
  private var isConstant: [Bool]
  private var hasFailed = false

  init(_ name: TensorName, _ tensor: Tensor) {
    self.name = name
    dtype = tensor.dtype
    shape = tensor.shape
    addresses = [UInt64](repeating: 0, count: shape.elementCount)
    isAddress = [Bool](repeating: true, count: shape.elementCount)
    isConstant = isAddress
  }

  func fits(_ converted: (name: TensorName, tensor: Tensor)) -> Bool {
    converted.name == name && converted.tensor.dtype == dtype && converted.tensor.shape == shape
  }

  mutating func fail() { hasFailed = true }

  mutating func read(_ tensor: Tensor, digit: Int, isLast: Bool) {
    for index in addresses.indices {
      let bits = tensor.bits(at: index)
      if digit == 0 {
        first.append(bits)
      } else if bits != first[index] {
        isConstant[index] = false
      }
      guard let value = TensorContents.digit(of: bits, dtype) else {
        isAddress[index] = false
        continue
      }
      if isLast {
        // No address has this digit, so that every element of a source holds a zero here.
        if value != 0 { isAddress[index] = false }
      } else {
        addresses[index] |= UInt64(value) << UInt64(6 * digit)
      }
    }
  }

  /// - Parameter elements: The number of addresses.
  func output(elements: Int) -> TracedMap.Output {
    let origins = addresses.indices.map { index -> Origin in
      if hasFailed { return .unknown }
      if isAddress[index], addresses[index] < UInt64(elements) {
        return .element(Int(addresses[index]))
      }
      guard isConstant[index] else { return .unknown }
      return first[index] == 0 ? .zero : .constant(first[index])
    }
    return TracedMap.Output(name: name, dtype: dtype, shape: shape, origins: origins)
  }
}

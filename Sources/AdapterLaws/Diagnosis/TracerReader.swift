// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
import Tensors

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

  /// - Parameter digit: The digit that the tensor spells, or nil if its sources have no bit set.
  mutating func read(_ tensor: Tensor, digit: Int?) {
    for index in addresses.indices {
      let bits = tensor.bits(at: index)
      if digit == 0 {
        first.append(bits)
      } else if bits != first[index] {
        isConstant[index] = false
      }
      guard let digit else {
        if bits != 0 { isAddress[index] = false }
        continue
      }
      if let value = TensorContents.digit(of: bits, dtype) {
        addresses[index] |= UInt64(value) << UInt64(6 * digit)
      } else {
        isAddress[index] = false
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

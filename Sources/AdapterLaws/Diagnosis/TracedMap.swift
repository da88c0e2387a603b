// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
public import Tensors

/// Where every element came from that a conversion put somewhere, read from tracer checkpoints.
public struct TracedMap: Sendable {
  /// One tensor that came out.
  public struct Output: Sendable {
    /// The key.
    public let name: TensorName
    /// The element type.
    public let dtype: DType
    /// The extents.
    public let shape: Shape
    /// The origin of each element in row-major order.
    public internal(set) var origins: [Origin]
  }

  /// The tensors that went in, whose elements have addresses counting up from zero.
  public let sources: [TensorInfo]
  /// The tensors that came out, in order; a key can occur twice where tensors come one at a time.
  public internal(set) var outputs: [Output]
  /// Whether names, types and shapes were the same in every run.
  public let isRepeatable: Bool
  /// The first address of each source.
  private let starts: [Int]

  /// Runs a conversion once for each digit of the addresses and once more, where no bit is set, so
  /// that constants are told from addresses.
  ///
  /// - Parameter run: Converts the sources with elements of a kind.
  /// - Throws: What the conversion throws.
  /// - Complexity: O(digits of the largest address × elements).
  init(
    sources: [TensorInfo],
    _ run: (TensorContents) throws -> [(name: TensorName, tensor: Tensor)]
  ) throws {
    var starts: [Int] = []
    var count = 0
    for source in sources {
      starts.append(count)
      count += source.shape.elementCount
    }
    let digits = TensorContents.digitCount(elements: UInt64(count))
    var readers: [TracerReader] = []
    var isRepeatable = true
    for digit in 0...digits {
      let isCheck = digit == digits
      let converted = try run(
        isCheck ? TensorContents(.constant(pattern: 0)) : .init(.tracer(digit: digit)))
      if digit == 0 { readers = converted.map { TracerReader($0.name, $0.tensor) } }
      if converted.count != readers.count { isRepeatable = false }
      for (position, reader) in readers.enumerated() {
        guard position < converted.count, reader.fits(converted[position]) else {
          readers[position].fail()
          isRepeatable = false
          continue
        }
        readers[position].read(converted[position].tensor, digit: isCheck ? nil : digit)
      }
    }
    self.sources = sources
    self.starts = starts
    self.isRepeatable = isRepeatable
    outputs = readers.map { $0.output(elements: count) }
  }

  /// The output of a key, the first of several.
  public subscript(name: TensorName) -> Output? {
    outputs.first { $0.name == name }
  }

  /// The source and the place in it of an address, or nil if no element has it.
  public func place(of address: Int) -> (source: Int, indices: [Int])? {
    // Empty sources share their start with the next one and have no elements.
    guard let source = starts.lastIndex(where: { $0 <= address }),
      address - starts[source] < sources[source].shape.elementCount
    else { return nil }
    return (source, sources[source].shape.indices(at: address - starts[source]))
  }
}

extension Shape {
  /// The index along each axis of a row-major position.
  func indices(at position: Int) -> [Int] {
    var rest = position
    var result = [Int](repeating: 0, count: rank)
    for axis in extents.indices.reversed() where extents[axis] > 0 {
      (rest, result[axis]) = rest.quotientAndRemainder(dividingBy: extents[axis])
    }
    return result
  }
}

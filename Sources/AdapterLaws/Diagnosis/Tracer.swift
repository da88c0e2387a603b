// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Runs steps of an adapter, and of the oracle, on tracer checkpoints of a spec.
///
/// What is right is made once for each rank.
final class Tracer {
  let checkpoint: Checkpoint
  private let oracle: LayoutOracle
  /// The native form of the checkpoint, once it was asked for.
  private var native: StateDict?
  private var expectedNative: [ExpertParallelism?: TracedMap] = [:]
  private var expectedOnDisk: [ExpertParallelism?: TracedMap] = [:]

  init(_ spec: CheckpointSpec) {
    checkpoint = Checkpoint(spec)
    oracle = LayoutOracle(spec)
  }

  /// What an adapter does in a step.
  ///
  /// Native tracers have the names and shapes that the oracle gives, so that faults of
  /// loading do not disturb saving.
  ///
  /// - Throws: What the adapter throws.
  func trace(_ step: ConversionStep, of session: any AdapterSession) throws -> TracedMap {
    let rank = step.parallelism
    if step.isFromHF {
      return try TracedMap(sources: checkpoint.schema) { contents in
        Array(try session.fromHF(checkpoint.stateDict(contents), rank))
      }
    }
    return try traceNative(rank) { native in
      step == .streaming
        ? try session.convertTensorsToHF(native, excluding: "", rank)
        : Array(try session.toHF(native, excluding: "", rank))
    }
  }

  /// What a correct adapter does in a step.
  func expected(_ step: ConversionStep) throws -> TracedMap {
    let rank = step.parallelism
    if step.isFromHF {
      if let known = expectedNative[rank] { return known }
      let map = try TracedMap(sources: checkpoint.schema) { contents in
        Array(oracle.native(of: try checkpoint.stateDict(contents), rank))
      }
      expectedNative[rank] = map
      return map
    }
    if let known = expectedOnDisk[rank] { return known }
    let map = try traceNative(rank) { Array(oracle.onDisk(of: $0, rank)) }
    expectedOnDisk[rank] = map
    return map
  }

  /// The keys that a session keeps on disk when it is given a pattern, saving all or one by one.
  func keptKeys(
    _ exclusion: Exclusion, by session: any AdapterSession, isStreaming: Bool
  ) throws -> Set<TensorName> {
    let native = try native ?? oracle.native(of: checkpoint.stateDict())
    self.native = native
    let pattern = exclusion.pattern(in: checkpoint.spec.config.layout)
    guard isStreaming else { return Set(try session.toHF(native, excluding: pattern, nil).names) }
    return Set(try session.convertTensorsToHF(native, excluding: pattern, nil).map(\.name))
  }

  private func traceNative(
    _ rank: ExpertParallelism?,
    _ convert: (StateDict) throws -> [(name: TensorName, tensor: Tensor)]
  ) throws -> TracedMap {
    let infos = try expected(.fromHF(rank)).outputs.map { TensorInfo($0.name, $0.dtype, $0.shape) }
    return try TracedMap(sources: infos) { contents in
      try convert(TensorContents.stateDict(infos, contents: contents))
    }
  }
}

/// Where every element came from that a conversion put somewhere, read from tracer checkpoints.
struct TracedMap {
  /// One tensor that came out.
  struct Output {
    /// The key.
    let name: TensorName
    /// The element type.
    let dtype: DType
    /// The extents.
    let shape: Shape
    /// The origin of each element in row-major order.
    var origins: [Origin]
  }

  /// The tensors that came out, in order; a key can occur twice where tensors come one at a time.
  var outputs: [Output]
  /// Whether names, types and shapes were the same in every run.
  let isRepeatable: Bool

  /// Runs a conversion once for each digit of the addresses and once more, where no bit is set, so
  /// that constants are told from addresses.
  ///
  /// - Parameters:
  ///   - sources: The tensors that go in, whose elements have addresses counting up from zero.
  ///   - run: Converts them with elements of a kind.
  /// - Throws: What the conversion throws.
  /// - Complexity: O(digits of the largest address × elements).
  init(
    sources: [TensorInfo],
    _ run: (TensorContents) throws -> [(name: TensorName, tensor: Tensor)]
  ) throws {
    let count = sources.reduce(0) { $0 + $1.shape.elementCount }
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
    self.isRepeatable = isRepeatable
    outputs = readers.map { $0.output(elements: count) }
  }

  /// The output of a key, the first of several.
  subscript(name: TensorName) -> Output? {
    outputs.first { $0.name == name }
  }
}

/// Where an element that an adapter put somewhere came from.
enum Origin: Hashable {
  /// The element with this address among the elements of all sources.
  case element(Int)
  /// All bits are zero whatever the sources hold.
  case zero
  /// The bits are these whatever the sources hold.
  case constant(UInt64)
  /// The bits are no address and change.
  case unknown

  /// The address, or nil if the element is none of the sources'.
  var address: Int? {
    if case .element(let address) = self { return address }
    return nil
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

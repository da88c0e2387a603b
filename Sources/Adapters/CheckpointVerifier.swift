// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Layouts
import Synchronization
public import Tensors

/// Runs a whole checkpoint to native form and back, expert by expert, and compares the data.
///
/// The plan is carried out by the real kernels; what comes out is checked by an index formula and
/// by the checkpoint itself, never by the code that made it.
public struct CheckpointVerifier: Sendable {
  /// One tensor whose data does not obey a law.
  public struct Disagreement: Sendable, Hashable, CustomStringConvertible {
    /// The law that is broken.
    public let law: PlanProof.Law
    /// The tensor concerned.
    public let tensor: TensorName
    /// The place and both bit patterns.
    public let detail: String

    /// The text shown to people.
    public var description: String { "\(law.rawValue): '\(tensor)': \(detail)" }
  }

  /// What a verification looked at.
  public struct Summary: Sendable, Hashable {
    /// Tensors of experts that were converted and came back.
    public var expertTensorCount = 0
    /// Their size in bytes.
    public var expertByteCount = 0
    /// Elements compared with the index formula one by one.
    public var sampledElementCount = 0
    /// Data that does not obey a law, at most one hundred.
    public var disagreements: [Disagreement] = []
  }

  private let forward: ConversionPlan
  private let backward: ConversionPlan
  private let formulas: IndexFormulas
  /// Whether each destination is a group of experts.
  private let isGrouped: [Bool]
  private let threads: Int?
  private let sourcePositions: [TensorName: Int]
  private let memory = WarmMemory(mostByteCount: 64 << 20)

  /// Creates a verifier of two proven plans.
  public init(
    forward: ConversionPlan, backward: ConversionPlan, config: ModelConfig, threads: Int? = nil
  ) {
    self.forward = forward
    self.backward = backward
    let formulas = IndexFormulas(config, nil)
    self.formulas = formulas
    isGrouped = forward.destinations.map { formulas.isGroup($0.name) }
    self.threads = threads
    sourcePositions = Dictionary(
      forward.sources.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// Converts and compares every expert.
  ///
  /// - Parameters:
  ///   - source: Gives the tensor at a position of the forward plan's sources; called from any
  ///     thread.
  ///   - progress: Called with the bytes of each expert that is done; from any thread.
  /// - Throws: The first error of `source`.
  public func run(
    source: @escaping @Sendable (Int) throws -> Tensor,
    progress: @Sendable (_ byteCount: Int) -> Void = { _ in }
  ) throws -> Summary {
    let slices = slices()
    let summary = Mutex(Summary())
    try ParallelWork.tryRun(count: slices.count, threads: threads) { index in
      let found = try verify(slices[index], source)
      progress(found.expertByteCount)
      summary.withLock { $0.add(found) }
    }
    return summary.withLock { $0.sorted }
  }

  /// One expert of one grouped tensor, or all experts of what is grouped on disk.
  private struct Slice: Sendable {
    let destination: Int
    let expert: Int
    let moves: [TensorMove]
    let returns: [TensorMove]
  }

  private func slices() -> [Slice] {
    let ranges = forward.movesByDestination()
    var returns: [Int: [Int: [TensorMove]]] = [:]
    for move in backward.moves where isGrouped[move.source] {
      returns[move.source, default: [:]][move.sourceRegion.lower[0], default: []].append(move)
    }
    return forward.destinations.indices.flatMap { destination -> [Slice] in
      guard isGrouped[destination] else { return [] }
      let moves = Dictionary(
        grouping: forward.moves[ranges[destination]], by: { $0.destinationRegion.lower[0] })
      return moves.keys.sorted().map { expert in
        Slice(
          destination: destination, expert: expert, moves: moves[expert] ?? [],
          returns: returns[destination]?[expert] ?? [])
      }
    }
  }

  private func verify(_ slice: Slice, _ source: @Sendable (Int) throws -> Tensor) throws -> Summary
  {
    let grouped = forward.destinations[slice.destination]
    let experts = slice.moves.first?.destinationRegion.extents.first ?? 1
    let shape = try Shape([experts] + grouped.shape.extents.dropFirst())
    let written = slice.moves.reduce(0) { $0 + $1.destinationRegion.elementCount }
    var buffer = try ByteBuffer(
      count: shape.byteCount(of: grouped.dtype), from: memory,
      isOverwritten: written == shape.elementCount)
    var originals: [TensorName: Tensor] = [:]
    for move in slice.moves {
      let tensor = try source(move.source)
      originals[forward.sources[move.source].name] = tensor
      let copy = try MoveCopy(
        move, from: tensor, to: grouped.dtype,
        startingAt: slice.expert * (shape.elementCount / max(1, experts)))
      // The buffer is this slice's alone.
      unsafe buffer.withUnsafeMutableBytes { (bytes: UnsafeMutableRawBufferPointer) in
        unsafe copy.run(into: bytes)
      }
    }
    let native = try Tensor(grouped.dtype, shape, storage: buffer.freeze())
    var summary = Summary()
    let samples = ElementSamples(grouped, shape, expert: slice.expert, formulas)
    try samples.compare(native, originals, &summary)
    for move in slice.returns {
      let info = backward.destinations[move.destination]
      guard let position = sourcePositions[info.name] else {
        summary.disagreements.append(
          Disagreement(
            law: .returned, tensor: info.name, detail: "the checkpoint has no such tensor"))
        continue
      }
      let original = try originals[info.name] ?? source(position)
      summary.expertTensorCount += 1
      summary.expertByteCount += original.byteCount
      if let detail = try difference(move, native, info, original) {
        summary.disagreements.append(
          Disagreement(law: .returned, tensor: info.name, detail: detail))
      }
    }
    return summary
  }

  /// Brings one part of an expert back and compares it with the original.
  private func difference(
    _ move: TensorMove, _ native: Tensor, _ info: TensorInfo, _ original: Tensor
  ) throws -> String? {
    let region = move.sourceRegion
    var move = move
    move.sourceRegion = Region(
      view: [native.shape[0]] + region.view.dropFirst(), lower: [0] + region.lower.dropFirst(),
      extents: region.extents)
    let returned = try MoveCopy(move, from: native, to: info.dtype).tensor(info, memory: memory)
    let whole = Region(whole: info.shape.extents)
    let identity = TensorMove(
      source: 0, whole, destination: 0, whole, permutation: Array(0..<info.shape.rank))
    let expected =
      original.dtype == info.dtype
      ? original
      : try MoveCopy(identity, from: original, to: info.dtype).tensor(info, memory: memory)
    guard returned != expected else { return nil }
    let index =
      (0..<info.shape.elementCount).first { returned.bits(at: $0) != expected.bits(at: $0) } ?? 0
    return "element \(index) is \(returned.hexadecimal(at: index)), "
      + "expected \(expected.hexadecimal(at: index))"
  }
}

extension CheckpointVerifier.Summary {
  fileprivate mutating func add(_ other: Self) {
    expertTensorCount += other.expertTensorCount
    expertByteCount += other.expertByteCount
    sampledElementCount += other.sampledElementCount
    disagreements = Array((disagreements + other.disagreements).prefix(100))
  }

  /// The same summary, whatever order the threads finished in.
  fileprivate var sorted: Self {
    var result = self
    result.disagreements.sort { ($0.tensor, $0.detail) < ($1.tensor, $1.detail) }
    return result
  }
}

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
      var place = shape.indices(at: index)
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

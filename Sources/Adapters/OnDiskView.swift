// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// The tensors of a checkpoint as a layout has them on disk, whatever form they are in, made one at a time.
public struct OnDiskView: Sendable {
  /// The tensors on disk.
  public let infos: [TensorInfo]
  /// The plan that makes them, and the one before it that makes its sources where there is one.
  private let plan, earlier: ConversionPlan
  private let moves, earlierMoves: [Range<Int>]

  /// Gives the tensor at a position of the checkpoint's, or some of its elements as a list.
  public typealias Source = @Sendable (_ position: Int, _ elements: Range<Int>?) throws -> Tensor

  private init(_ plan: ConversionPlan, after earlier: ConversionPlan? = nil) {
    infos = plan.destinations
    self.plan = plan
    moves = plan.movesByDestination()
    self.earlier = earlier ?? ConversionPlan(unchanged: plan.sources)
    earlierMoves = self.earlier.movesByDestination()
  }

  /// Sees tensors that are on disk in the layout.
  public init(onDisk infos: [TensorInfo]) {
    self.init(ConversionPlan(unchanged: infos))
  }

  /// Sees native tensors, of all experts or of those of a rank.
  ///
  /// - Throws: `AdapterError` naming every key that is none of the layout's.
  public init(
    native infos: [TensorInfo], _ planner: AdapterPlanner,
    _ parallelism: ExpertParallelism? = nil
  ) throws(AdapterError) {
    self.init(try Self.plan(infos, planner, parallelism))
  }

  /// Sees tensors that are on disk in another layout, through the native form that both have.
  ///
  /// - Throws: `AdapterError` naming every key that is none of either layout's.
  public init(
    _ infos: [TensorInfo], of other: AdapterPlanner, by planner: AdapterPlanner
  ) throws(AdapterError) {
    let native = try other.fromHF(infos)
    self.init(try Self.plan(native.destinations, planner), after: native)
  }

  private static func plan(
    _ infos: [TensorInfo], _ planner: AdapterPlanner, _ parallelism: ExpertParallelism? = nil
  ) throws(AdapterError) -> ConversionPlan {
    var planner = ToHFPlanner(planner, infos, parallelism, nil)
    return try planner.run(isStreaming: true)
  }

  /// The position of the source that a tensor is, not changed but in its name; nil of others.
  public func source(of position: Int) -> Int? {
    guard plan.isUnchanged(position, moves[position]) else { return nil }
    let native = plan.moves[moves[position].lowerBound].source
    guard earlier.isUnchanged(native, earlierMoves[native]) else { return nil }
    return earlier.moves[earlierMoves[native].lowerBound].source
  }

  /// Makes a tensor, or the part of it at one index along its first axis.
  ///
  /// - Parameter elements: Those wanted of the tensor or the part, as a list; nil for all.
  /// - Throws: What `source` throws, and `TensorError` if there is no memory.
  public func tensor(
    _ position: Int, at index: Int? = nil, elements: Range<Int>? = nil, source: Source
  ) throws -> Tensor {
    let info = infos[position]
    let shape = index == nil ? info.shape : try Shape(Array(info.shape.extents.dropFirst()))
    if let whole = self.source(of: position) {
      if index == nil, elements == nil { return try source(whole, nil) }
      let start = (index ?? 0) * shape.elementCount
      let range = elements ?? 0..<shape.elementCount
      let list = try source(whole, start + range.lowerBound..<start + range.upperBound)
      return elements == nil ? list.reshaped(shape) ?? list : list
    }
    let own = plan.moves[moves[position]]
    var box = Region(whole: own.first?.destinationRegion.view ?? info.shape.extents)
    if let index {
      box = Region(
        view: box.view, lower: [index] + box.lower.dropFirst(),
        extents: [1] + box.extents.dropFirst())
    }
    var buffer = try ByteBuffer(count: shape.byteCount(of: info.dtype))
    for var move in own.compactMap({ $0.restricted(toDestination: box) }) {
      let native: Tensor
      var first = 0
      if earlier.isUnchanged(move.source, earlierMoves[move.source]) {
        let span = move.sourceRegion.span
        first = span.lowerBound
        native = try source(earlier.moves[earlierMoves[move.source].lowerBound].source, span)
      } else {
        native = try self.native(move.source, move.sourceRegion, source)
        move.sourceRegion = Region(whole: move.sourceRegion.extents)
      }
      let copy = try MoveCopy(
        move, from: native, element: first, to: info.dtype, startingAt: box.offset)
      // The buffer is this call's alone.
      unsafe buffer.withUnsafeMutableBytes { (bytes: UnsafeMutableRawBufferPointer) in
        unsafe copy.run(into: bytes)
      }
    }
    let tensor = try Tensor(info.dtype, shape, storage: buffer.freeze())
    return try elements.map { try tensor.elements($0) } ?? tensor
  }

  /// Makes a box of a native tensor.
  private func native(
    _ position: Int, _ region: Region, _ source: Source
  ) throws -> Tensor {
    let info = earlier.destinations[position]
    let shape = try Shape(region.extents)
    var buffer = try ByteBuffer(count: shape.byteCount(of: info.dtype))
    for var move in earlier.moves[earlierMoves[position]] {
      guard move.destinationRegion.view == region.view else {
        throw TensorError.invalidShape(
          extents: region.view, reason: "the layouts see '\(info.name)' in different views")
      }
      guard let part = move.restricted(toDestination: region) else { continue }
      move = part
      move.destinationRegion = Region(
        view: region.extents,
        lower: zip(part.destinationRegion.lower, region.lower).map { $0 - $1 },
        extents: part.destinationRegion.extents)
      let span = move.sourceRegion.span
      let copy = try MoveCopy(
        move, from: source(move.source, span), element: span.lowerBound, to: info.dtype)
      // The buffer is this call's alone.
      unsafe buffer.withUnsafeMutableBytes { (bytes: UnsafeMutableRawBufferPointer) in
        unsafe copy.run(into: bytes)
      }
    }
    return try Tensor(info.dtype, shape, storage: buffer.freeze())
  }
}

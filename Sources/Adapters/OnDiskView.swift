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

  /// Sees native tensors.
  ///
  /// - Throws: `AdapterError` naming every key that is none of the layout's.
  public init(native infos: [TensorInfo], _ planner: AdapterPlanner) throws(AdapterError) {
    self.init(try Self.plan(infos, planner))
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
    _ infos: [TensorInfo], _ planner: AdapterPlanner
  ) throws(AdapterError) -> ConversionPlan {
    var planner = ToHFPlanner(planner, infos, nil, nil)
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
  /// - Parameter source: Gives the tensor at a position of the checkpoint's.
  /// - Throws: What `source` throws, and `TensorError` if there is no memory.
  public func tensor(
    _ position: Int, at index: Int? = nil, source: (Int) throws -> Tensor
  ) throws -> Tensor {
    let info = infos[position]
    let shape = index == nil ? info.shape : try Shape(Array(info.shape.extents.dropFirst()))
    if let whole = self.source(of: position) {
      let tensor = try source(whole)
      guard let index else { return tensor }
      let start = index * shape.elementCount
      return try tensor.elements(start..<start + shape.elementCount).reshaped(shape) ?? tensor
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
      if earlier.isUnchanged(move.source, earlierMoves[move.source]) {
        native = try source(earlier.moves[earlierMoves[move.source].lowerBound].source)
      } else {
        native = try self.native(move.source, move.sourceRegion, source)
        move.sourceRegion = Region(whole: move.sourceRegion.extents)
      }
      let copy = try MoveCopy(move, from: native, to: info.dtype, startingAt: box.offset)
      // The buffer is this call's alone.
      unsafe buffer.withUnsafeMutableBytes { (bytes: UnsafeMutableRawBufferPointer) in
        unsafe copy.run(into: bytes)
      }
    }
    return try Tensor(info.dtype, shape, storage: buffer.freeze())
  }

  /// Makes a box of a native tensor.
  private func native(
    _ position: Int, _ region: Region, _ source: (Int) throws -> Tensor
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
      let copy = try MoveCopy(move, from: source(move.source), to: info.dtype)
      // The buffer is this call's alone.
      unsafe buffer.withUnsafeMutableBytes { (bytes: UnsafeMutableRawBufferPointer) in
        unsafe copy.run(into: bytes)
      }
    }
    return try Tensor(info.dtype, shape, storage: buffer.freeze())
  }
}

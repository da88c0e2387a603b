// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// Carries out a plan in memory.
///
/// Tensors that only change their name share the memory of their source, which nothing can write
/// to; all others get memory of their own.
struct PlanExecutor {
  private let plan: ConversionPlan
  private let threads: Int?

  /// Consecutive small results share one allocation up to this size, because large ones come in
  /// huge pages and page faults cost more than the copies.
  private static let slabByteCount = 64 << 20
  /// Below this size threads cost more than they save.
  private static let parallelByteCount = 1 << 20

  init(_ plan: ConversionPlan, threads: Int? = nil) {
    self.plan = plan
    self.threads = threads
  }

  /// The result of the plan on the tensors of its sources.
  ///
  /// - Throws: `AdapterError` if repeated factors differ or memory runs out.
  func execute(_ sources: [Tensor]) throws(AdapterError) -> StateDict {
    try checkRepeats(sources)
    do {
      var results = [Tensor?](repeating: nil, count: plan.destinations.count)
      let moves = plan.movesByDestination()
      var slab = Slab()
      for (destination, info) in plan.destinations.enumerated() {
        if let tensor = shared(destination, moves[destination], sources) {
          results[destination] = tensor
          continue
        }
        let byteCount = try info.shape.byteCount(of: info.dtype)
        if slab.byteCount > 0, slab.byteCount + byteCount > Self.slabByteCount {
          try fill(slab, moves, sources, &results)
          slab = Slab()
        }
        slab.append(destination, byteCount: byteCount)
      }
      try fill(slab, moves, sources, &results)
      return try StateDict(
        zip(plan.destinations, results).lazy.compactMap { info, tensor in
          tensor.map { (info.name, $0) }
        })
    } catch {
      throw AdapterError(error)
    }
  }

  /// Destinations that share one allocation.
  private struct Slab {
    var members: [(destination: Int, byteOffset: Int)] = []
    var byteCount = 0

    mutating func append(_ destination: Int, byteCount: Int) {
      members.append((destination, self.byteCount))
      // Results start at cache lines.
      self.byteCount += (byteCount + 63) & ~63
    }
  }

  private func checkRepeats(_ sources: [Tensor]) throws(AdapterError) {
    let findings = plan.omissions.compactMap { omission -> Finding? in
      guard case .repeats(let kept) = omission.reason, sources[omission.source] != sources[kept]
      else { return nil }
      return plan.repeatFinding(omission.source, of: kept)
    }
    guard findings.isEmpty else { throw AdapterError(findings) }
  }

  /// The source tensor itself, if the destination is all of it unchanged.
  private func shared(_ destination: Int, _ moves: Range<Int>, _ sources: [Tensor]) -> Tensor? {
    guard moves.count == 1 else { return nil }
    let move = plan.moves[moves.lowerBound]
    let info = plan.destinations[destination]
    let source = sources[move.source]
    let isWhole = move.sourceRegion.extents == move.sourceRegion.view
    let isInOrder = move.permutation == Array(0..<move.permutation.count)
    return isWhole && isInOrder && source.dtype == info.dtype && source.shape == info.shape
      ? source : nil
  }

  private func fill(
    _ slab: Slab, _ moves: [Range<Int>], _ sources: [Tensor], _ results: inout [Tensor?]
  ) throws(TensorError) {
    guard !slab.members.isEmpty else { return }
    var work: [(copy: MoveCopy, byteOffset: Int, byteCount: Int)] = []
    for (destination, byteOffset) in slab.members {
      let info = plan.destinations[destination]
      let byteCount = try info.shape.byteCount(of: info.dtype)
      for move in plan.moves[moves[destination]] {
        let copy = try MoveCopy(move, from: sources[move.source], to: info.dtype)
        work.append((copy, byteOffset, byteCount))
      }
    }
    var buffer = try ByteBuffer(count: slab.byteCount)
    let finished = work
    let isParallel = slab.byteCount >= Self.parallelByteCount
    unsafe buffer.withUnsafeMutableBytes { (bytes: UnsafeMutableRawBufferPointer) in
      // Moves write disjoint elements, so threads never write the same byte.
      nonisolated(unsafe) let bytes = unsafe bytes
      ParallelWork.run(count: finished.count, threads: isParallel ? threads : 1) { index, _ in
        let (copy, start, count) = finished[index]
        unsafe copy.run(into: UnsafeMutableRawBufferPointer(rebasing: bytes[start..<start + count]))
      }
    }
    let storage = buffer.freeze()
    for (destination, byteOffset) in slab.members {
      let info = plan.destinations[destination]
      results[destination] = try Tensor(
        info.dtype, info.shape, storage: storage, byteOffset: byteOffset)
    }
  }
}

/// A move ready to run on a source tensor's data.
struct MoveCopy: Sendable {
  private let copy: StridedCopy
  private let source: Tensor

  /// Prepares a move whose destination elements start at an offset of the buffer to be filled.
  init(
    _ move: TensorMove, from source: Tensor, to dtype: DType, startingAt element: Int = 0
  ) throws(TensorError) {
    let (sourceOffset, sourceStrides) = move.sourceRegion.layout
    let (offset, strides) = move.destinationRegion.layout
    copy = try StridedCopy(
      extents: move.destinationRegion.extents,
      source: StridedLayout(
        offset: sourceOffset, strides: move.permutation.map { sourceStrides[$0] }),
      sourceType: source.dtype,
      destination: StridedLayout(offset: offset - element, strides: strides),
      destinationType: dtype)
    self.source = source
  }

  /// Copies the elements into a buffer.
  @unsafe
  func run(into bytes: UnsafeMutableRawBufferPointer) {
    unsafe source.withUnsafeBytes { (data: UnsafeRawBufferPointer) in
      unsafe copy(from: data, to: bytes)
    }
  }
}

extension MoveCopy {
  /// The result of a move that fills a whole tensor.
  func tensor(_ info: TensorInfo) throws(TensorError) -> Tensor {
    var buffer = try ByteBuffer(count: info.shape.byteCount(of: info.dtype))
    // The buffer is this call's alone.
    unsafe buffer.withUnsafeMutableBytes { (bytes: UnsafeMutableRawBufferPointer) in
      unsafe run(into: bytes)
    }
    return try Tensor(info.dtype, info.shape, storage: buffer.freeze())
  }
}

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
  private let memory: WarmMemory?

  /// Consecutive small results share one allocation up to this size, because large ones come in
  /// huge pages and page faults cost more than the copies.
  private static let slabByteCount = 64 << 20
  /// Below this size threads cost more than they save.
  private static let parallelByteCount = 1 << 20
  /// From this size on, results are written past the cache, which has no room for them.
  private static let pastCacheByteCount = 16 << 20

  init(_ plan: ConversionPlan, threads: Int? = nil, memory: WarmMemory? = nil) {
    self.plan = plan
    self.threads = threads
    self.memory = memory
  }

  /// The result of the plan on the tensors of its sources.
  ///
  /// - Throws: `AdapterError` if repeated factors differ or memory runs out.
  func execute(_ sources: [Tensor]) throws(AdapterError) -> StateDict {
    let problems = plan.lostContents { sources[$0] }
    guard problems.isEmpty else { throw AdapterError(problems) }
    do {
      var results = [Tensor?](repeating: nil, count: plan.destinations.count)
      let moves = plan.movesByDestination()
      // A span lends its elements, where an array would copy each.
      let infos = plan.destinations.span
      var slab = Slab()
      for destination in infos.indices {
        if let tensor = shared(destination, moves[destination], sources) {
          results[destination] = tensor
          continue
        }
        let byteCount = try infos[destination].shape.byteCount(of: infos[destination].dtype)
        if slab.byteCount > 0, slab.byteCount + byteCount > Self.slabByteCount {
          try fill(slab, moves, sources, &results)
          slab = Slab()
        }
        slab.append(destination, byteCount: byteCount)
      }
      try fill(slab, moves, sources, &results)
      var result = StateDict(minimumCapacity: results.count)
      for destination in infos.indices {
        guard let tensor = results[destination] else { continue }
        try result.insert(tensor, named: infos[destination].name)
      }
      return result
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

  /// The source tensor itself, if the destination is all of it unchanged.
  private func shared(_ destination: Int, _ moves: Range<Int>, _ sources: [Tensor]) -> Tensor? {
    guard plan.isUnchanged(destination, moves) else { return nil }
    return sources[plan.moves[moves.lowerBound].source]
  }

  private func fill(
    _ slab: Slab, _ moves: [Range<Int>], _ sources: [Tensor], _ results: inout [Tensor?]
  ) throws(TensorError) {
    guard !slab.members.isEmpty else { return }
    var work = SlabWork()
    let (infos, all, tensors) = (plan.destinations.span, plan.moves.span, sources.span)
    for (destination, byteOffset) in slab.members {
      for move in moves[destination] {
        try work.append(
          all[move], from: tensors[all[move].source], to: infos[destination].dtype, at: byteOffset)
      }
    }
    var buffer = try ByteBuffer(
      count: slab.byteCount, from: memory,
      isOverwritten: memory != nil
        && slab.members.allSatisfy { plan.isFilled($0.destination, moves[$0.destination]) })
    let finished = work
    let isParallel = slab.byteCount >= Self.parallelByteCount
    let pastCache = slab.byteCount >= Self.pastCacheByteCount
    unsafe buffer.withUnsafeMutableBytes { (bytes: UnsafeMutableRawBufferPointer) in
      // Moves write disjoint elements, so threads never write the same byte.
      nonisolated(unsafe) let bytes = unsafe bytes
      ParallelWork.run(count: finished.count, threads: isParallel ? threads : 1) { index in
        unsafe finished.run(index, into: bytes, pastCache: pastCache)
      }
    }
    let storage = buffer.freeze()
    for (destination, byteOffset) in slab.members {
      results[destination] = try Tensor(
        infos[destination].dtype, infos[destination].shape, storage: storage,
        byteOffset: byteOffset)
    }
  }
}

/// The moves into one slab.
private struct SlabWork: Sendable {
  private var geometries: [MoveGeometry] = []
  /// The number of geometries looked through: layers have two grouped tensors.
  private static let recentCount = 2
  /// The size of the parts that threads take one after the other.
  private static let partByteCount = 4 << 20
  private var copies: [MoveCopy] = []

  var count: Int { copies.count }

  /// Adds a move into a tensor that begins at an offset of the slab.
  mutating func append(
    _ move: TensorMove, from source: Tensor, to dtype: DType, at byteOffset: Int
  ) throws(TensorError) {
    let geometry = try geometry(of: move, from: source.dtype, to: dtype)
    let partCount = geometry.copy.partCount(of: Self.partByteCount)
    for part in 0..<partCount {
      copies.append(
        MoveCopy(
          move, geometry, part: part, of: partCount, from: source, to: dtype, at: byteOffset))
    }
  }

  /// A move's geometry, which moves of one grouped tensor share, and those of the same tensor in other
  /// layers.
  private mutating func geometry(
    of move: TensorMove, from source: DType, to dtype: DType
  ) throws(TensorError) -> MoveGeometry {
    let recent = geometries.suffix(Self.recentCount)
    if let known = recent.last(where: { $0.fits(move, from: source, to: dtype) }) { return known }
    let made = try MoveGeometry(move, from: source, to: dtype)
    geometries.append(made)
    return made
  }

  @unsafe
  func run(_ index: Int, into slab: UnsafeMutableRawBufferPointer, pastCache: Bool) {
    unsafe copies[index].run(into: slab, pastCache: pastCache)
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Synchronization
public import Tensors

/// Carries out a plan piece by piece within a memory budget, for checkpoints larger than memory.
public struct PlanStreamer: Sendable {
  private let plan: ConversionPlan
  private let ranges: [Range<Int>]
  private let memoryByteCount: Int
  private let threads: Int?
  private let isReading: Bool
  private let warmMemory = WarmMemory(mostByteCount: largestPieceByteCount)

  /// Larger pieces would leave the cache before the sink has taken them.
  private static let usualPieceByteCount = 8 << 20
  /// Pieces are larger than usual where an expert is, of which every part would read the whole sources.
  private static let largestPieceByteCount = 32 << 20
  /// Smaller pieces would make a system call for a few elements.
  private static let smallestPieceByteCount = 64 << 10

  /// The memory used where nothing else is asked for, in bytes.
  public static let defaultMemoryByteCount = 128 << 20

  /// Creates a streamer of a plan.
  ///
  /// - Parameters:
  ///   - plan: What to carry out.
  ///   - memoryByteCount: About the most memory for pieces under way, in bytes.
  ///   - isReading: Whether what sources give takes memory of its own, as what is read from a file does and
  ///     what is mapped does not. Pieces are then large enough that no element is read more than twice.
  ///   - threads: The most threads to use, or nil for one per core.
  public init(
    _ plan: ConversionPlan, memoryByteCount: Int = defaultMemoryByteCount,
    isReading: Bool = false, threads: Int? = nil
  ) {
    self.plan = plan
    ranges = plan.movesByDestination()
    self.memoryByteCount = memoryByteCount
    self.isReading = isReading
    self.threads = threads
  }

  /// The tensor with the largest piece, and the memory that this takes, where it is more than there should be.
  public var excess: (tensor: TensorInfo, byteCount: Int)? {
    guard isReading else { return nil }
    var largest: (tensor: TensorInfo, byteCount: Int)?
    for (position, info) in plan.destinations.enumerated() {
      let byteCount = pieces(of: position).first.map(memory) ?? 0
      if byteCount > largest?.byteCount ?? memoryByteCount { largest = (info, byteCount) }
    }
    return largest
  }

  /// Takes a finished piece: the position of its destination in the plan, where it begins in the
  /// destination in bytes, and its bytes.
  public typealias Sink = @Sendable (_ destination: Int, _ byteOffset: Int, RawSpan) throws -> Void

  /// Carries out the plan, handing over each byte of each destination once, in any order.
  ///
  /// - Parameters:
  ///   - source: Gives the tensor at a position of the plan's sources; called from any thread.
  ///   - sink: Takes the pieces; called from any thread, for several pieces at a time.
  /// - Throws: The first error of `source` or `sink`, or `AdapterError` where repeated LoRA factors
  ///   differ; pieces under way on other threads are finished first.
  public func run(source: @Sendable (Int) throws -> Tensor, into sink: Sink) throws {
    try run(reading: { try source($0).elements($1) }, into: sink)
  }

  /// Gives elements of the source at a position of the plan as a list.
  public typealias Source = @Sendable (_ source: Int, _ elements: Range<Int>) throws -> Tensor

  /// Carries out the plan in the same way, with no more elements at hand than pieces under way need.
  public func run(reading source: Source, into sink: Sink) throws {
    try checkLostContents(source)
    let pieces = plan.destinations.indices.flatMap { self.pieces(of: $0) }
    try ParallelWork.tryRun(count: pieces.count, threads: workers(pieces)) { index in
      try run(pieces[index], source, sink)
    }
  }

  /// Carries out the plan and adds the bytes of each destination, in their order, to a value of its own.
  ///
  /// - Parameters:
  ///   - initial: The value of a destination without bytes.
  ///   - source: Gives the tensor at a position of the plan's sources; called from any thread.
  ///   - add: Adds bytes to a value; called from any thread.
  /// - Returns: The values in the order of the destinations.
  /// - Throws: What `run` throws.
  public func fold<Value: Sendable>(
    _ initial: Value, reading source: Source,
    _ add: @Sendable (inout Value, RawSpan) throws -> Void
  ) throws -> [Value] {
    try checkLostContents(source)
    // Large ones first, so that no thread has one left when the others are done.
    let order = plan.destinations.indices.sorted {
      let sizes = (plan.destinations[$0].byteCount, plan.destinations[$1].byteCount)
      return (sizes.1, $0) < (sizes.0, $1)
    }
    let values = Mutex([Value](repeating: initial, count: order.count))
    let pieces = order.map { self.pieces(of: $0) }
    try ParallelWork.tryRun(
      count: order.count, threads: workers(pieces.compactMap(\.first))
    ) { index in
      var value = initial
      for piece in pieces[index] {
        try run(piece, source) { _, _, bytes in try add(&value, bytes) }
      }
      values.withLock { [value] in $0[order[index]] = value }
    }
    return values.withLock { $0 }
  }

  /// A row-major contiguous part of a destination.
  private struct Piece: Sendable {
    let destination: Int
    let moves: Range<Int>
    /// The part as a box of the view that the destination's moves use.
    let box: Region
  }

  private func pieces(of destination: Int) -> [Piece] {
    let share = memoryByteCount / ParallelWork.workerCount(threads) / (isReading ? 2 : 1)
    let info = plan.destinations[destination]
    let moves = ranges[destination]
    let view = plan.moves[moves].first?.destinationRegion.view ?? info.shape.extents
    let expert = view.dropFirst().reduce(info.dtype.byteCount, *)
    let wanted = min(max(expert, Self.usualPieceByteCount), Self.largestPieceByteCount)
    let largest = min(max(share, Self.smallestPieceByteCount), wanted)
    func pieces(_ maxElements: Int) -> [Piece] {
      Region.contiguousBoxes(of: view, maxElements: maxElements).map {
        Piece(destination: destination, moves: moves, box: $0)
      }
    }
    var maxElements = largest / info.dtype.byteCount
    guard isReading else { return pieces(maxElements) }
    // A row of a transposed matrix is an element of each of its source's rows.
    for axis in view.indices.reversed() {
      let result = pieces(maxElements)
      guard let first = result.first, spans(of: first).reduce(0, +) > 2 * first.box.elementCount
      else { return result }
      maxElements = max(maxElements, view[axis...].reduce(1, *))
    }
    return pieces(maxElements)
  }

  /// How many elements each move into a piece reads.
  private func spans(of piece: Piece) -> [Int] {
    plan.moves[piece.moves].compactMap {
      $0.restricted(toDestination: piece.box)?.sourceRegion.span.count
    }
  }

  /// The bytes of a piece and of the largest source that is read for it.
  private func memory(_ piece: Piece) -> Int {
    let width = plan.destinations[piece.destination].dtype.byteCount
    let reads = plan.moves[piece.moves].compactMap { move in
      move.restricted(toDestination: piece.box).map {
        $0.sourceRegion.span.count * plan.sources[$0.source].dtype.byteCount
      }
    }
    return piece.box.elementCount * width + (reads.max() ?? 0)
  }

  /// As many threads as there is memory for their pieces.
  private func workers(_ pieces: [Piece]) -> Int {
    let all = ParallelWork.workerCount(threads)
    guard isReading else { return all }
    var (largest, last) = (1, -1)
    for piece in pieces where piece.destination != last {
      last = piece.destination
      largest = max(largest, memory(piece))
    }
    return min(all, max(1, memoryByteCount / largest))
  }

  /// Checks that nothing is lost of what native form has no place for.
  private func checkLostContents(_ source: (Int, Range<Int>) throws -> Tensor) throws {
    let problems = try plan.lostContents {
      try source($0, 0..<plan.sources[$0].shape.elementCount)
    }
    guard problems.isEmpty else { throw AdapterError(problems) }
  }

  private func run(
    _ piece: Piece, _ source: (Int, Range<Int>) throws -> Tensor,
    _ sink: (_ destination: Int, _ byteOffset: Int, RawSpan) throws -> Void
  ) throws {
    let dtype = plan.destinations[piece.destination].dtype
    let first = piece.box.offset
    let byteCount = piece.box.elementCount * dtype.byteCount
    let moves = plan.moves[piece.moves].compactMap { $0.restricted(toDestination: piece.box) }
    if moves.count == 1, isUnchanged(moves[0], piece) {
      let tensor = try source(moves[0].source, moves[0].sourceRegion.span)
      return try sink(piece.destination, first * dtype.byteCount, tensor.bytes)
    }
    let written = moves.reduce(0) { $0 + $1.destinationRegion.elementCount }
    var buffer = try ByteBuffer(
      count: byteCount, from: warmMemory, isOverwritten: written == piece.box.elementCount)
    for move in moves {
      let span = move.sourceRegion.span
      let copy = try MoveCopy(
        move, from: source(move.source, span), element: span.lowerBound, to: dtype,
        startingAt: first)
      // The closure runs alone on this buffer.
      unsafe buffer.withUnsafeMutableBytes { (bytes: UnsafeMutableRawBufferPointer) in
        unsafe copy.run(into: bytes)
      }
    }
    let storage = buffer.freeze()
    try sink(piece.destination, first * dtype.byteCount, storage.bytes)
  }

  /// Whether a piece is the same bytes in the same order, to be handed over uncopied.
  private func isUnchanged(_ move: TensorMove, _ piece: Piece) -> Bool {
    move.sourceRegion.view == move.destinationRegion.view
      && move.sourceRegion == move.destinationRegion && move.destinationRegion == piece.box
      && move.keepsAxes
      && plan.sources[move.source].dtype == plan.destinations[piece.destination].dtype
  }
}

extension TensorInfo {
  /// The size of the data in bytes; the largest number where it overflows.
  fileprivate var byteCount: Int { (try? shape.byteCount(of: dtype)) ?? .max }
}

extension Region {
  /// The boxes that cut a view into row-major contiguous parts of at most so many elements.
  static func contiguousBoxes(of view: [Int], maxElements: Int) -> [Region] {
    guard !view.contains(0) else { return [] }
    var axis = 0
    var rowElements = view.reduce(1, *)
    while axis < view.count {
      rowElements /= view[axis]
      if rowElements <= maxElements { break }
      axis += 1
    }
    guard axis < view.count else { return [Region(whole: view)] }
    let rows = min(view[axis], max(1, maxElements / max(1, rowElements)))
    let outerCount = view[..<axis].reduce(1, *)
    return (0..<outerCount).flatMap { outer in
      stride(from: 0, to: view[axis], by: rows).map { start in
        var lower = [Int](repeating: 0, count: view.count)
        var extents = view
        var rest = outer
        for prefix in stride(from: axis - 1, through: 0, by: -1) {
          lower[prefix] = rest % view[prefix]
          rest /= view[prefix]
          extents[prefix] = 1
        }
        lower[axis] = start
        extents[axis] = min(rows, view[axis] - start)
        return Region(view: view, lower: lower, extents: extents)
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Synchronization
import Tensors
import Testing

@testable import Adapters

@Suite("Streaming gives the executor's bytes piece by piece")
struct PlanStreamerTests {
  private struct Failure: Error, Equatable { let place: String }

  /// A checkpoint with grouped tensors and a pass-through tensor larger than the smallest piece.
  private static func checkpoint() throws -> (plan: ConversionPlan, tensors: [Tensor]) {
    let config = try TestCheckpoint.config(
      experts: 5, hidden: 32, inter: 40, layers: [.sparse], dtype: .f64)
    let planner = AdapterPlanner(config, AdapterOptions(targetDType: .f64))
    let stateDict = try TestCheckpoint.stateDict(
      planner.schema + [
        TensorInfo("visual.large", .f64, [3, 50, 100]), TensorInfo("visual.empty", .f64, [0, 4]),
        TensorInfo("visual.scalar", .f32, []),
      ])
    return (try planner.fromHF(stateDict.infos), stateDict.map(\.tensor))
  }

  /// The pieces of each destination as they arrive.
  private final class Collector: Sendable {
    private let pieces = Mutex<[Int: [(offset: Int, bytes: [UInt8])]]>([:])

    func take(_ destination: Int, _ offset: Int, _ span: RawSpan) {
      // The bytes are copied inside the closure.
      let bytes = unsafe span.withUnsafeBytes { unsafe Array($0) }
      pieces.withLock { $0[destination, default: []].append((offset, bytes)) }
    }

    var count: Int { pieces.withLock { $0.values.reduce(0) { $0 + $1.count } } }

    /// The bytes of a destination, or nil if its pieces leave gaps or overlap.
    func bytes(of destination: Int) -> [UInt8]? {
      let sorted = pieces.withLock { $0[destination] ?? [] }.sorted { $0.offset < $1.offset }
      return sorted.reduce([] as [UInt8]?) { bytes, piece in
        bytes.flatMap { $0.count == piece.offset ? $0 + piece.bytes : nil }
      }
    }
  }

  @Test("Pieces cover each byte once and hold the executor's bytes, for any budget and threads")
  func pieces() throws {
    let (plan, tensors) = try Self.checkpoint()
    let expected = try PlanExecutor(plan).execute(tensors)
    for (budget, threads) in [(Int.min, 1), (0, 8), (1, 2), (70_000, 1), (1 << 40, 2)] {
      let collector = Collector()
      let streamer = PlanStreamer(plan, memoryByteCount: budget, threads: threads)
      try streamer.run(source: { tensors[$0] }, into: collector.take)
      let folded = try streamer.fold([UInt8](), reading: { try tensors[$0].elements($1) }) {
        bytes, span in
        // The bytes are copied inside the closure.
        bytes += unsafe span.withUnsafeBytes { unsafe Array($0) }
      }
      #expect(folded.count == plan.destinations.count)
      for (index, info) in plan.destinations.enumerated() {
        let bytes = try #require(collector.bytes(of: index), "\(info.name), \(budget)")
        let isEqual = try Tensor(info.dtype, info.shape, bytes: bytes) == expected[info.name]
        #expect(isEqual, "\(info.name), \(budget), \(threads)")
        #expect(folded[index] == bytes, "\(info.name), \(budget), \(threads), in order")
      }
      // Small budgets cut the large tensors, large ones leave them whole; the empty one has no piece.
      let isCut = collector.count > plan.destinations.count - 1
      #expect(isCut == (budget < 1 << 40), "\(collector.count) pieces, budget \(budget)")
    }
  }

  @Test("What is read is read once, however small the budget, and memory above it is told")
  func readOnce() throws {
    let (plan, tensors) = try Self.checkpoint()
    let expected = try PlanExecutor(plan).execute(tensors)
    for budget in [1, 70_000, 1 << 40] {
      let counts = Mutex([Int](repeating: 0, count: plan.sources.count))
      let collector = Collector()
      let streamer = PlanStreamer(
        plan, memoryByteCount: budget, isReading: true, threads: 2)
      try streamer.run(
        reading: { source, elements in
          counts.withLock { $0[source] += elements.count }
          return try tensors[source].elements(elements)
        }, into: collector.take)
      for (source, info) in plan.sources.enumerated() {
        let count = counts.withLock { $0[source] }
        #expect(count <= 2 * info.shape.elementCount, "\(info.name), \(budget): \(count)")
      }
      for (index, info) in plan.destinations.enumerated() {
        let bytes = try #require(collector.bytes(of: index), "\(info.name), \(budget)")
        let isEqual = try Tensor(info.dtype, info.shape, bytes: bytes) == expected[info.name]
        #expect(isEqual, "\(info.name), \(budget)")
      }
      #expect((streamer.excess != nil) == (budget < 1 << 40), "\(budget)")
    }
  }

  @Test("Tensors that only change their name are handed over uncopied, whole and in pieces")
  func uncopied() throws {
    let (plan, tensors) = try Self.checkpoint()
    for budget in [0, 1 << 40] {
      let copied = Mutex<Set<TensorName>>([])
      try PlanStreamer(plan, memoryByteCount: budget, threads: 1).run(
        source: { tensors[$0] },
        into: { destination, offset, span in
          let move = try #require(plan.moves.first { $0.destination == destination })
          // The addresses are compared, not read.
          let isSame = unsafe tensors[move.source].withUnsafeBytes { source in
            unsafe span.withUnsafeBytes { piece in
              Int(bitPattern: piece.baseAddress) == Int(bitPattern: source.baseAddress) + offset
            }
          }
          if !isSame { _ = copied.withLock { $0.insert(plan.destinations[destination].name) } }
        })
      let grouped = plan.destinations.map(\.name).filter { $0.text.contains(".experts.") }
      #expect(copied.withLock { $0 } == Set(grouped), "\(budget)")
    }
  }

  @Test("Moves that permute or shift elements are not taken for unchanged ones")
  func permutedMoves() throws {
    let source = try Tensor(.u8, [3, 3]) { UInt64($0) }
    let whole = Region(whole: [3, 3])
    func rows(_ start: Int, _ count: Int) -> Region {
      Region(view: [3, 3], lower: [start, 0], extents: [count, 3])
    }
    func move(_ from: Region, _ to: Region, _ permutation: [Int]) -> TensorMove {
      TensorMove(source: 0, from, destination: 0, to, permutation: permutation)
    }
    let examples: [(moves: [TensorMove], expected: [UInt8])] = [
      ([move(whole, whole, [0, 1])], [0, 1, 2, 3, 4, 5, 6, 7, 8]),
      ([move(whole, whole, [1, 0])], [0, 3, 6, 1, 4, 7, 2, 5, 8]),
      (
        [move(rows(1, 2), rows(0, 2), [0, 1]), move(rows(0, 1), rows(2, 1), [0, 1])],
        [3, 4, 5, 6, 7, 8, 0, 1, 2]
      ),
      // Elements that no move writes are zero.
      ([move(rows(1, 1), rows(0, 1), [0, 1])], [3, 4, 5, 0, 0, 0, 0, 0, 0]),
    ]
    let info = TensorInfo("square", .u8, [3, 3])
    for (moves, expected) in examples {
      let plan = ConversionPlan(
        direction: .fromHF, sources: [info], destinations: [info], moves: moves, omissions: [])
      let collector = Collector()
      try PlanStreamer(plan, threads: 1).run(source: { _ in source }, into: collector.take)
      #expect(collector.bytes(of: 0) == expected)
      let executed = try PlanExecutor(plan).execute([source])["square"]
      #expect(executed == (try Tensor(.u8, [3, 3], bytes: expected)), "\(expected)")
    }
  }

  @Test("Pieces of a tensor whose rows are rotated come from the rows before")
  func rotatedRows() throws {
    // A row is a piece.
    let shape: Shape = [4, 40_000]
    let source = try Tensor(.u8, shape) { UInt64($0 / 40_000) }
    func rows(_ start: Int, _ count: Int) -> Region {
      Region(view: shape.extents, lower: [start, 0], extents: [count, 40_000])
    }
    let info = TensorInfo("rows", .u8, shape)
    let plan = ConversionPlan(
      direction: .fromHF, sources: [info], destinations: [info],
      moves: [(1, 0, 3), (0, 3, 1)].map { from, to, count in
        TensorMove(
          source: 0, rows(from, count), destination: 0, rows(to, count), permutation: [0, 1])
      }, omissions: [])
    let collector = Collector()
    try PlanStreamer(plan, memoryByteCount: 0, threads: 1)
      .run(source: { _ in source }, into: collector.take)
    let bytes = try #require(collector.bytes(of: 0))
    #expect(collector.count == 4)
    let samples: [UInt8] = stride(from: 7, to: bytes.count, by: 40_000).map { bytes[$0] }
    #expect(samples == [1, 2, 3, 0])
  }

  @Test("The first error of a source stops the run and comes out")
  func sourceErrors() throws {
    let (plan, tensors) = try Self.checkpoint()
    for threads in [1, 2, 8] {
      let calls = Atomic(0)
      let error = #expect(throws: Failure.self) {
        try PlanStreamer(plan, threads: threads).run(
          source: { index in
            if calls.add(1, ordering: .relaxed).newValue > 5 { throw Failure(place: "source") }
            return tensors[index]
          }, into: { _, _, _ in })
      }
      #expect(error == Failure(place: "source"))
      let count = calls.load(ordering: .relaxed)
      #expect(count <= 6 + threads, "\(count) calls on \(threads) threads")
    }
  }

  @Test("The first error of a sink stops the run and comes out")
  func sinkErrors() throws {
    let (plan, tensors) = try Self.checkpoint()
    for threads in [1, 2, 8] {
      let calls = Atomic(0)
      let error = #expect(throws: Failure.self) {
        try PlanStreamer(plan, threads: threads).run(
          source: { tensors[$0] },
          into: { _, _, _ in
            if calls.add(1, ordering: .relaxed).newValue > 3 { throw Failure(place: "sink") }
          })
      }
      #expect(error == Failure(place: "sink"))
      let count = calls.load(ordering: .relaxed)
      #expect(count <= 4 + threads, "\(count) calls on \(threads) threads")
    }
  }
}

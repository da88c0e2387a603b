// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Synchronization
public import Tensors

/// What a plan casts from one type to another.
public struct CastCount: Sendable, Hashable {
  /// The type that is cast.
  public let source: DType
  /// The type that it becomes.
  public let destination: DType
  /// The tensors read, whole or in part.
  public fileprivate(set) var tensorCount = 0
  /// Their elements.
  public fileprivate(set) var elementCount = 0
  /// Those of the elements that get another value.
  public fileprivate(set) var changedCount = 0
}

extension ConversionPlan {
  /// The size of the tensors that casts can change.
  public var lossyByteCount: Int {
    lossyCasts.reduce(0) { sum, item in
      let info = sources[item.source]
      return sum &+ info.shape.elementCount &* info.dtype.byteCount
    }
  }

  /// The sources that are cast, each once, with their types.
  private var castSources: [(source: Int, cast: Cast)] {
    var seen: Set<Int> = []
    var result: [(source: Int, cast: Cast)] = []
    for move in moves {
      let (from, to) = (sources[move.source].dtype, destinations[move.destination].dtype)
      guard from != to, seen.insert(move.source).inserted,
        let cast = try? Cast(from: from, to: to)
      else { continue }
      result.append((move.source, cast))
    }
    return result
  }

  private var lossyCasts: [(source: Int, cast: Cast)] { castSources.filter { !$0.cast.isLossless } }

  /// All casts, by types in the order in which they turn up.
  ///
  /// - Parameter source: Gives the tensor at a position of the sources, asked for those that casts can change;
  ///   called from any thread.
  /// - Throws: The first error of `source`.
  public func casts(source: @Sendable (Int) throws -> Tensor) throws -> [CastCount] {
    var result: [CastCount] = []
    for (position, cast) in castSources {
      let known = result.firstIndex {
        ($0.source, $0.destination) == (cast.source, cast.destination)
      }
      if known == nil {
        result.append(CastCount(source: cast.source, destination: cast.destination))
      }
      let index = known ?? result.count - 1
      result[index].tensorCount += 1
      result[index].elementCount += sources[position].shape.elementCount
    }
    let lossy = lossyCasts
    let counts = Mutex([Int](repeating: 0, count: result.count))
    let types = result.map { ($0.source, $0.destination) }
    try ParallelWork.tryRun(count: lossy.count) { item in
      let (position, cast) = lossy[item]
      let changed = try cast.changedCount(in: source(position).bytes)
      let index = types.firstIndex { $0 == (cast.source, cast.destination) } ?? 0
      counts.withLock { $0[index] += changed }
    }
    for (index, count) in counts.withLock({ $0 }).enumerated() {
      result[index].changedCount = count
    }
    return result
  }
}

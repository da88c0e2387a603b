// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// Every copy that turns one state dict into another, made from names, types and shapes alone.
public struct ConversionPlan: Sendable {
  /// Which way a plan converts.
  public enum Direction: String, Sendable {
    case fromHF
    case toHF
  }

  /// Why a source tensor, or the rest of one, is not in the result.
  public enum Omission: Sendable, Hashable {
    /// It belongs to a multi-token prediction layer, and the policy drops those.
    case mtpLayer
    /// It belongs to an expert of another rank.
    case otherRank
    /// Its name on disk matches the exclusion pattern, or that of some of its parts does.
    case excluded
    /// It repeats another source, which must have the same bits.
    case repeats(source: Int)
  }

  /// Which way the plan converts.
  public let direction: Direction
  /// The tensors to read, in the order of the state dict.
  public let sources: [TensorInfo]
  /// The tensors to write, in the order of the result.
  public let destinations: [TensorInfo]
  /// The copies, those of one destination one after the other.
  public var moves: [TensorMove]
  /// The sources that are left out, each with its reason, in the order of the sources.
  public let omissions: [(source: Int, reason: Omission)]

  /// The positions of the moves into each destination.
  ///
  /// - Complexity: O(moves).
  public func movesByDestination() -> [Range<Int>] {
    var ranges = [Range<Int>](repeating: 0..<0, count: destinations.count)
    var start = 0
    while start < moves.count {
      let destination = moves[start].destination
      var end = start + 1
      while end < moves.count, moves[end].destination == destination { end += 1 }
      ranges[destination] = start..<end
      start = end
    }
    return ranges
  }
}

extension ConversionPlan {
  /// What is wrong with tensors that should repeat those that native form keeps.
  func unequalRepeats(_ source: (Int) throws -> Tensor) rethrows -> [Problem] {
    var problems: [Problem] = []
    for omission in omissions {
      guard case .repeats(let kept) = omission.reason,
        try source(omission.source) != source(kept)
      else { continue }
      problems.append(
        Problem(
          .differentLoRAFactors, sources[omission.source].name,
          expected:
            "the same bits as '\(sources[kept].name)', because native form keeps one of them",
          found: "other bits"))
    }
    return problems
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// Every copy that turns one state dict into another, made from names, types and shapes alone.
public struct ConversionPlan: Sendable {
  /// Which way a plan converts.
  public enum Direction: String, Sendable {
    /// From disk to native form.
    case fromHF
    /// From native form to disk.
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
    /// It is zeros that native form does not have.
    case padding
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
  /// The positions of the destinations that have zeros where no move writes.
  public var padded: Set<Int> = []

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
  /// The plan that leaves tensors as they are, without those that a pattern matches.
  public init(unchanged infos: [TensorInfo], excluding exclusion: ExclusionPattern? = nil) {
    let kept = infos.filter { exclusion?.matches($0.name) != true }
    self.init(
      direction: .toHF, sources: kept, destinations: kept,
      moves: kept.indices.map { position in
        let whole = Region(whole: kept[position].shape.extents)
        return TensorMove(
          source: position, whole, destination: position, whole,
          permutation: Array(whole.view.indices))
      }, omissions: [])
  }

  /// The plan of some of the destinations, by their positions.
  public func only(_ isIncluded: (Int) -> Bool) -> ConversionPlan {
    var numbers: [Int: Int] = [:]
    for position in destinations.indices where isIncluded(position) {
      numbers[position] = numbers.count
    }
    var kept: [TensorMove] = []
    for var move in moves {
      guard let number = numbers[move.destination] else { continue }
      move.destination = number
      kept.append(move)
    }
    return ConversionPlan(
      direction: direction, sources: sources,
      destinations: destinations.indices.filter(isIncluded).map { destinations[$0] }, moves: kept,
      omissions: omissions, padded: Set(padded.compactMap { numbers[$0] }))
  }

  /// Whether a destination is all of one source, not changed but in its name.
  ///
  /// - Parameter moves: The positions of the moves into it.
  public func isUnchanged(_ destination: Int, _ moves: Range<Int>) -> Bool {
    guard moves.count == 1 else { return false }
    let (move, info) = (self.moves[moves.lowerBound], destinations[destination])
    let source = sources[move.source]
    return move.keepsAxes && move.sourceRegion.extents == move.sourceRegion.view
      && source.dtype == info.dtype && source.shape == info.shape
  }

  /// Whether moves have as many elements as the tensor they fill: no two have one in common.
  func isFilled(_ destination: Int, _ moves: Range<Int>) -> Bool {
    self.moves[moves].reduce(0) { $0 + $1.destinationRegion.elementCount }
      == destinations[destination].shape.elementCount
  }

  /// What is wrong with contents that native form has no place for: of tensors that should repeat those that it
  /// keeps, and of padding that should be zeros.
  func lostContents(_ source: (Int) throws -> Tensor) rethrows -> [Problem] {
    var problems: [Problem] = []
    for omission in omissions {
      let name = sources[omission.source].name
      switch omission.reason {
      case .repeats(let kept):
        guard try source(omission.source) != source(kept) else { continue }
        problems.append(
          Problem(
            .differentLoRAFactors, name,
            expected:
              "the same bits as '\(sources[kept].name)', because native form keeps one of them",
            found: "other bits"))
      case .padding:
        let kept = moves.first { $0.source == omission.source }?.sourceRegion.elementCount ?? 0
        let tensor = try source(omission.source)
        guard
          let place = (kept..<tensor.shape.elementCount).first(where: { tensor.bits(at: $0) != 0 })
        else { continue }
        problems.append(
          Problem(
            .paddingNotZero, name,
            expected: "zeros from element \(kept) on, because native form has no place for them",
            found: "other bits at element \(place)"))
      case .mtpLayer, .otherRank, .excluded: continue
      }
    }
    return problems
  }
}

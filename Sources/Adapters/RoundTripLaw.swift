// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// The law that converting back restores every element: `toHF(fromHF(x)) == x`, by regions.
struct RoundTripLaw {
  private let forward: ConversionPlan
  private let backward: ConversionPlan
  /// Where the elements begin of which a rank reads a part only, by source.
  private let firstRead: [Int: [Int]]

  init(_ forward: ConversionPlan, _ backward: ConversionPlan) {
    self.forward = forward
    self.backward = backward
    let parts = Set(forward.omissions.filter { $0.reason == .otherRank }.map(\.source))
    var firstRead: [Int: [Int]] = [:]
    for move in forward.moves where parts.contains(move.source) {
      let lower = move.sourceRegion.lower
      firstRead[move.source] = firstRead[move.source].map { zip($0, lower).map(min) } ?? lower
    }
    self.firstRead = firstRead
  }

  func faults() -> [PlanFault] {
    let natives = Dictionary(
      forward.destinations.enumerated().map { ($1.name, $0) },
      uniquingKeysWith: { first, _ in first })
    let starts = backward.sources.map { natives[$0.name] }
    let strangers = zip(backward.sources, starts).filter { source, native in
      // Types may differ: loading casts, or did so before the tensors were stored.
      native.map { forward.destinations[$0].shape != source.shape } ?? true
    }
    guard strangers.isEmpty else {
      return strangers.map { source, _ in
        PlanFault(
          .notReturned, source.name, Region(whole: source.shape.extents),
          "saving starts from a tensor that loading does not give")
      }
    }
    return missingNames() + movesThatDoNotReturn(starts.compactMap { $0 })
  }

  /// Sources that do not come back, or come back with another shape.
  private func missingNames() -> [PlanFault] {
    let returned = Dictionary(
      backward.destinations.map { ($0.name, $0.shape) }, uniquingKeysWith: { first, _ in first })
    let omitted = Set(
      forward.omissions.compactMap { omission -> Int? in
        switch omission.reason {
        case .repeats, .padding: nil
        default: omission.source
        }
      })
    return forward.sources.enumerated().compactMap { source, info in
      guard !omitted.contains(source), returned[info.name] != info.shape else { return nil }
      let found = returned[info.name].map { "the shape \($0)" } ?? "no such tensor"
      return PlanFault(
        .notReturned, info.name, Region(whole: info.shape.extents),
        "expected \(info.shape), saving gives \(found)")
    }
  }

  /// - Parameter starts: For each source of the conversion back, its position in the result of the first.
  private func movesThatDoNotReturn(_ starts: [Int]) -> [PlanFault] {
    let index = DestinationIndex(forward)
    var faults: [PlanFault] = []
    for back in backward.moves {
      for there in index.moves(touching: back.sourceRegion, of: starts[back.source]) {
        guard let there = there.restricted(toDestination: back.sourceRegion),
          let fault = compare(there, back.restricted(toSource: there.destinationRegion))
        else { continue }
        faults.append(fault)
      }
    }
    return faults
  }

  /// Compares where elements were taken from with where they are brought.
  private func compare(_ there: TensorMove, _ back: TensorMove) -> PlanFault? {
    let home = forward.sources[there.source].name
    let arrival = backward.destinations[back.destination].name
    let isHome = home == arrival || (back.isRepeat && repeats(there.source, as: arrival))
    let axesReturn = back.permutation.enumerated().allSatisfy { axis, native in
      there.permutation[native] == axis || back.destinationRegion.extents[axis] == 1
    }
    if isHome, isSame(there.sourceRegion, of: there.source, back.destinationRegion), axesReturn {
      return nil
    }
    return PlanFault(
      .notReturned, home, there.sourceRegion,
      "the elements come back to '\(arrival)' \(back.destinationRegion)"
        + (axesReturn ? "" : " with their axes exchanged"))
  }

  /// Whether a region of a source is a region of what comes back, which of a rank holds its part only.
  private func isSame(_ region: Region, of source: Int, _ returned: Region) -> Bool {
    guard let first = firstRead[source] else { return region == returned }
    return region.extents == returned.extents
      && zip(region.lower, first).map { $0 - $1 } == returned.lower
  }

  private func repeats(_ source: Int, as name: TensorName) -> Bool {
    forward.omissions.contains {
      $0.reason == .repeats(source: source) && forward.sources[$0.source].name == name
    }
  }
}

extension TensorMove {
  /// The same move, of the part of the source that lies in a box of its view.
  fileprivate func restricted(toSource box: Region) -> TensorMove {
    var inverse = [Int](repeating: 0, count: permutation.count)
    for (axis, source) in permutation.enumerated() { inverse[source] = axis }
    let mirrored = TensorMove(
      source: destination, destinationRegion, destination: source, sourceRegion,
      permutation: inverse)
    guard let part = mirrored.restricted(toDestination: box) else { return self }
    var move = self
    move.sourceRegion = part.destinationRegion
    move.destinationRegion = part.sourceRegion
    return move
  }
}

/// The moves into each destination, found by the first index where a move concerns only one.
private struct DestinationIndex {
  private var byFirstIndex: [Key: [TensorMove]] = [:]
  private var wide: [Int: [TensorMove]] = [:]
  private var all: [Int: [TensorMove]] = [:]

  private struct Key: Hashable {
    let destination: Int
    let index: Int
  }

  init(_ plan: ConversionPlan) {
    for move in plan.moves {
      let region = move.destinationRegion
      all[move.destination, default: []].append(move)
      if region.extents.first == 1 {
        byFirstIndex[Key(destination: move.destination, index: region.lower[0]), default: []]
          .append(move)
      } else {
        wide[move.destination, default: []].append(move)
      }
    }
  }

  func moves(touching region: Region, of destination: Int) -> [TensorMove] {
    guard region.extents.first == 1 else { return all[destination] ?? [] }
    return (wide[destination] ?? [])
      + (byFirstIndex[Key(destination: destination, index: region.lower[0])] ?? [])
  }
}

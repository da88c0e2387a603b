// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// The place of a tensor on disk, or of a low-rank factor of it, in a native tensor, told by the shapes of
/// both and not by the config: parts that share an axis start at its first index or end at its last.
struct PartPlace: Hashable {
  /// Where the indices along one native axis come from.
  struct Term: Hashable {
    /// The axis on disk, or nil for the number of the expert in the name.
    let axis: Int?
    let coefficient: Int
    /// The index of the first element, or nil where the part stands at the end.
    let start: Int?
    /// Whether the axis has room for several parts.
    let isShared: Bool
    /// Whether the halves of the axis are exchanged.
    var exchangesHalves = false
  }

  /// The position of the tensor on disk in the layout.
  let rule: Int
  let terms: [Term]
  /// The native axis that counts experts.
  let expertAxis: Int?
  /// Whether all parts are the same elements.
  var isRepeated = false

  /// Which of the pieces that one tensor on disk is cut into it is, or nil.
  var piece: Int?

  /// The axis on disk that counts experts, or nil where the name has their number.
  var expertAxisOnDisk: Int? { expertAxis.flatMap { terms[$0].axis } }

  private static func placed(_ term: IndexTerm, _ isShared: Bool) -> Term {
    let start: Int?
    if case .constant(let index) = term.offset { start = index } else { start = nil }
    return Term(
      axis: term.axis, coefficient: term.coefficient, start: start,
      isShared: isShared && !term.exchangesHalves, exchangesHalves: term.exchangesHalves)
  }

  /// The places of a group's parts, present or not.
  static func all(of group: NativeGroup, _ layout: Layout) -> [PartPlace] {
    let parts = group.parts.compactMap { rule -> (rule: Int, terms: [IndexTerm])? in
      guard case .part(_, let terms) = layout.tensors[rule].native else { return nil }
      return (rule, terms)
    }
    let axes = parts.first?.terms.indices ?? 0..<0
    let areShared = axes.map { axis in
      parts.contains { $0.terms[axis].coefficient != 1 || $0.terms[axis].offset != .constant(0) }
    }
    return parts.map { rule, terms in
      PartPlace(
        rule: rule, terms: zip(terms, areShared).map { placed($0, $1) },
        expertAxis: group.expertAxis)
    }
  }

  /// The places in a tensor on disk of the native pieces that it is cut into, which start at some rows.
  static func pieces(of rule: Int, starts: [Int], _ layout: Layout) -> [PartPlace] {
    starts.enumerated().map { piece, start in
      let terms = layout.tensors[rule].axes.indices.map { axis in
        Term(axis: axis, coefficient: 1, start: axis == 0 ? start : 0, isShared: axis == 0)
      }
      return PartPlace(rule: rule, terms: terms, expertAxis: nil, piece: piece)
    }
  }

  /// The places of the factors of a group's parts: `A[e, input, rank]` from `[rank, input]`, and
  /// `B[e, rank, output]` from `[output, rank]`.
  static func factors(of group: NativeGroup, isA: Bool, _ layout: Layout) -> [PartPlace] {
    all(of: group, layout).compactMap { place in
      guard place.terms.count == 3, place.expertAxis == 0 else { return nil }
      let rank = Term(axis: isA ? 0 : 1, coefficient: 1, start: 0, isShared: false)
      let own = place.terms[isA ? 1 : 2]
      let features = Term(
        axis: isA ? 1 : 0, coefficient: own.coefficient, start: own.start, isShared: own.isShared)
      return PartPlace(
        rule: place.rule, terms: [place.terms[0]] + (isA ? [features, rank] : [rank, features]),
        expertAxis: 0, isRepeated: isA)
    }
  }

  /// The native position of each element on disk, in row-major order, or nil where the shapes do not fit.
  ///
  /// - Parameters:
  ///   - slot: The expert's index in the native tensor, where its number is in the name.
  ///   - held: The indices on disk of the experts that the native tensor holds, as far as they are
  ///     there, where an axis counts them; others have the position -1.
  ///   - start: Where the part starts along an axis that it shares, if not where it should.
  func positions(
    of disk: Shape, in native: Shape, slot: Int, held: Range<Int>, start other: Int? = nil
  ) -> [Int]? {
    guard native.rank == terms.count, disk.rank == terms.count(where: { $0.axis != nil }) else {
      return nil
    }
    guard fits(disk, in: native, slot: slot, held: held, start: other) else { return nil }
    // The extents of empty tensors may be of any size.
    guard disk.elementCount > 0 else { return [] }
    let strides = native.strides
    var first = 0
    var steps = [[Int]](repeating: [], count: disk.rank)
    for (position, term) in terms.enumerated() {
      guard let axis = term.axis else {
        first += slot * strides[position]
        continue
      }
      if position == expertAxis, native[position] != disk[axis] {
        steps[axis] = (0..<disk[axis]).map {
          held.contains($0) ? ($0 - held.lowerBound) * strides[position] : -1
        }
        continue
      }
      let start = start(of: term, disk[axis], native[position], other)
      let half = term.exchangesHalves ? disk[axis] / 2 : 0
      steps[axis] = (0..<disk[axis]).map {
        let index = half == 0 ? $0 : ($0 + half) % disk[axis]
        return (start + term.coefficient * index) * strides[position]
      }
    }
    return NativeFormula.sums(first, steps)
  }

  private func start(of term: Term, _ count: Int, _ extent: Int, _ other: Int?) -> Int {
    term.isShared ? other ?? term.start ?? extent - count : 0
  }

  /// Whether a tensor on disk has room in its place.
  private func fits(
    _ disk: Shape, in native: Shape, slot: Int, held: Range<Int>, start other: Int?
  ) -> Bool {
    terms.enumerated().allSatisfy { position, term in
      let extent = native[position]
      guard let axis = term.axis else { return 0..<extent ~= slot }
      let count = disk[axis]
      if position == expertAxis, extent != count {
        return held.clamped(to: 0..<count).count == extent
      }
      guard term.isShared else { return count == extent }
      let start = start(of: term, count, extent, other)
      guard start >= 0, count > 0 else { return count == 0 }
      let (last, overflows) = term.coefficient.multipliedReportingOverflow(by: count - 1)
      return !overflows && last < extent - start
    }
  }

  /// The native axis that parts share, or nil if each has its own tensor.
  var sharedAxis: Int? { terms.firstIndex(where: \.isShared) }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
import Layouts

/// Where the elements of one tensor on disk are in a native one: for each native axis, the index is
/// `coefficient * i + offset`, where `i` is the index of one axis on disk or the number of the expert.
struct PartFormula {
  struct Term {
    /// The axis on disk, or nil for the number of the expert in the name.
    let axis: Int?
    let coefficient: Int
    let offset: Int
    /// Whether the second half of the axis comes first; each has as many indices as the offset says.
    let exchangesHalves: Bool

    /// The native index.
    func callAsFunction(_ index: Int) -> Int {
      exchangesHalves && index >= offset ? index - offset : coefficient * index + offset
    }
  }

  /// The position of the tensor in the table.
  let rule: Int
  /// The extents on disk.
  let extents: [Int]
  /// One for each native axis.
  let terms: [Term]
}

/// The index formulas of all tensors on disk that make up one native tensor.
struct NativeFormula {
  let parts: [PartFormula]
  /// The native axis that counts experts.
  let expertAxis: Int?
  /// The experts that the native tensor holds.
  let experts: Range<Int>
  /// The native extents: each axis reaches as far as some index on disk leads.
  let shape: [Int]
  /// How far neighbors along each axis are from each other.
  private let strides: [Int]

  init(_ parts: [PartFormula], expertAxis: Int?, _ experts: Range<Int>) {
    var shape = [Int](repeating: 0, count: parts.first?.terms.count ?? 0)
    for part in parts {
      for (axis, term) in part.terms.enumerated() {
        let last =
          term.exchangesHalves ? term.offset - 1 : term.axis.map { part.extents[$0] - 1 } ?? 0
        shape[axis] = max(shape[axis], term(last) + 1)
      }
    }
    if let expertAxis { shape[expertAxis] = experts.count }
    var strides = [Int](repeating: 1, count: shape.count)
    for (axis, extent) in shape.enumerated().dropFirst().reversed() {
      strides[axis - 1] = strides[axis] * extent
    }
    (self.parts, self.expertAxis, self.experts) = (parts, expertAxis, experts)
    (self.shape, self.strides) = (shape, strides)
  }

  /// The native position of each element on disk in row-major order, that of an expert in its name for
  /// the first one here; -1 of elements of other experts.
  ///
  /// - Parameter held: The experts that the tensor on disk holds, where one of its axes counts them.
  func positions(_ part: PartFormula, held: Range<Int>) -> [Int] {
    var steps = part.extents.map { [Int](repeating: 0, count: $0) }
    for (native, term) in part.terms.enumerated() {
      guard let axis = term.axis else { continue }
      guard native == expertAxis else {
        steps[axis] = (0..<part.extents[axis]).map { term($0) * strides[native] }
        continue
      }
      steps[axis] = held.map { expert in
        experts.contains(term(expert))
          ? (term(expert) - experts.lowerBound) * strides[native] : -1
      }
    }
    return Self.sums(0, steps)
  }

  /// The sums of one step along each axis, in row-major order, from a start on; -1 where a step is
  /// negative.
  static func sums(_ start: Int, _ steps: [[Int]]) -> [Int] {
    var result = [start]
    for steps in steps {
      let starts = result
      result = []
      result.reserveCapacity(starts.count * steps.count)
      for start in starts {
        for step in steps { result.append(start < 0 || step < 0 ? -1 : start + step) }
      }
    }
    return result
  }

  /// How far an expert's elements are from those of the first one here, where its number is in the name;
  /// nil if it is none of those here.
  func distance(_ part: PartFormula, expert: Int?) -> Int? {
    guard let expert, let axis = expertAxis, part.terms[axis].axis == nil else { return 0 }
    let index = part.terms[axis](expert)
    return experts.contains(index) ? (index - experts.lowerBound) * strides[axis] : nil
  }
}

extension LayoutOracle {
  /// The formula of a group in a layer, or nil where sizes give none.
  func formula(of group: Int, layer: Int, _ experts: Range<Int>) -> NativeFormula? {
    let group = layout.groups[group]
    let values = spec.config.values(values, ofLayer: layer)
    var parts: [PartFormula] = []
    for position in group.parts where layout.tensors[position].isPresent(values) {
      let rule = layout.tensors[position]
      guard case .part(_, let indices) = rule.native else { return nil }
      let extents = rule.axes.compactMap { $0.extent.value(values) }
      let terms = indices.compactMap { index in
        index.offset.value(values).map {
          PartFormula.Term(
            axis: index.axis, coefficient: index.coefficient, offset: $0,
            exchangesHalves: index.exchangesHalves)
        }
      }
      guard extents.count == rule.axes.count, terms.count == indices.count else { return nil }
      parts.append(PartFormula(rule: position, extents: extents, terms: terms))
    }
    return parts.isEmpty
      ? nil : NativeFormula(parts, expertAxis: group.expertAxis, experts)
  }

  /// The formula of a group's low-rank factors of all experts: where a weight is
  /// `native[e, input, output]`, its factors are `A[e, input, rank]` and `B[e, rank, output]`, on disk
  /// `A[rank, input]` and `B[output, rank]`. All parts share one native A.
  func formula(of lora: Int, isA: Bool, layer: Int, rank: Int) -> NativeFormula? {
    guard
      let weights = formula(
        of: layout.lora[lora].group, layer: layer, 0..<spec.config.expertCount),
      weights.expertAxis == 0
    else { return nil }
    let parts = weights.parts.compactMap { part -> PartFormula? in
      guard part.terms.count == 3, let input = part.terms[1].axis, let output = part.terms[2].axis
      else { return nil }
      let (feature, ranks) = (isA ? 1 : 0, isA ? 0 : 1)
      var extents = [rank, rank]
      extents[feature] = part.extents[isA ? input : output]
      let own = part.terms[isA ? 1 : 2]
      let features = PartFormula.Term(
        axis: feature, coefficient: own.coefficient, offset: own.offset,
        exchangesHalves: own.exchangesHalves)
      let inner = PartFormula.Term(
        axis: ranks, coefficient: 1, offset: 0, exchangesHalves: false)
      return PartFormula(
        rule: part.rule, extents: extents,
        terms: [part.terms[0]] + (isA ? [features, inner] : [inner, features]))
    }
    guard parts.count == weights.parts.count else { return nil }
    return NativeFormula(parts, expertAxis: 0, weights.experts)
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// The native place of one part of a group.
struct GroupPart: Sendable {
  /// The elements on disk, seen with a unit axis in front where the name has the expert's number.
  let onDisk: Region
  /// The elements in the group.
  let inGroup: Region
  /// For each axis of the group's view, the axis of the view on disk that runs along it.
  let permutation: [Int]
  /// The other way round.
  let inverse: [Int]
  /// The other half, where an index formula exchanges halves.
  var others: [GroupPart] = []

  init(onDisk: Region, inGroup: Region, permutation: [Int], inverse: [Int]? = nil) {
    self.onDisk = onDisk
    self.inGroup = inGroup
    self.permutation = permutation
    self.inverse = inverse ?? Self.inverse(of: permutation)
  }

  static func inverse(of permutation: [Int]) -> [Int] {
    var result = permutation
    for (axis, source) in permutation.enumerated() { result[source] = axis }
    return result
  }
}

/// The places of all parts in a grouped tensor of some experts, the same in every layer of a class.
struct GroupLayout: Sendable {
  /// The shape of the grouped tensor.
  let shape: Shape
  /// The parts of one expert one after the other in the order of the rule; those of groups that are
  /// grouped on disk once.
  private let parts: [GroupPart]
  private let partCount: Int

  /// Lays out a group of the layout.
  ///
  /// - Parameters:
  ///   - rules: The parts that are present.
  ///   - own: The experts that the grouped tensor holds.
  ///   - isLocal: Whether tensors that are grouped on disk hold the same experts, and not all.
  /// - Throws: `TensorError.invalidShape` where parts do not fit together.
  init(
    _ group: NativeGroup, _ rules: [TensorRule], _ values: LayoutValues, _ layout: Layout,
    own: Range<Int>, isLocal: Bool
  ) throws(TensorError) {
    guard let extents = layout.extents(of: group, values, experts: own.count) else {
      throw .invalidShape(extents: [], reason: "no size follows from the config")
    }
    let view = try GroupView(extents, rules)
    var parts: [GroupPart] = []
    let isNumbered = rules.first?.name.hasExpert ?? false
    let places = try rules.map { rule throws(TensorError) in
      try view.places(of: rule, values, own: own, isLocal: isLocal)
    }
    parts.reserveCapacity((isNumbered ? own.count : 1) * rules.count)
    for slot in 0..<(isNumbered ? own.count : 1) {
      for place in places { parts.append(place(slot)) }
    }
    shape = try Shape(extents)
    self.parts = parts
    partCount = rules.count
  }

  /// Lays out low-rank factors: matrices `[rows, columns]` of each expert, stacked as
  /// `[experts, columns, rows of all parts]`.
  ///
  /// - Throws: `TensorError.invalidShape` if the shape overflows, as a rank can make it.
  init(rows: [Int], columns: Int, experts: Int) throws(TensorError) {
    var height = 0
    for count in rows {
      let (sum, overflows) = height.addingReportingOverflow(count)
      guard !overflows else {
        throw .invalidShape(extents: [experts, columns], reason: "too many elements")
      }
      height = sum
    }
    let shape = try Shape([experts, columns, height])
    var parts: [GroupPart] = []
    parts.reserveCapacity(experts * rows.count)
    let onDisk = rows.map { Region(whole: [1, $0, columns]) }
    for slot in 0..<experts {
      var start = 0
      for (part, count) in rows.enumerated() {
        parts.append(
          GroupPart(
            onDisk: onDisk[part],
            inGroup: Region(
              view: shape.extents, lower: [slot, 0, start], extents: [1, columns, count]),
            permutation: [0, 2, 1], inverse: [0, 2, 1]))
        start += count
      }
    }
    self.shape = shape
    self.parts = parts
    partCount = rows.count
  }

  /// One part of the expert at a position in the grouped tensor.
  func part(_ part: Int, slot: Int) -> GroupPart { parts[slot * partCount + part] }
}

/// A grouped tensor seen so that interleaved parts are boxes.
private struct GroupView {
  /// The extents of the view, an interleaved axis split in two.
  private let extents: [Int]
  /// How many parts each axis of the group interleaves; 1 where none do.
  private let factors: [Int]

  init(_ shape: [Int], _ rules: [TensorRule]) throws(TensorError) {
    let terms = rules.map { rule -> [Int] in
      guard case .part(_, let terms) = rule.native else { return [] }
      return terms.map(\.coefficient)
    }
    let factors = terms.first ?? []
    guard factors.count == shape.count, terms.allSatisfy({ $0 == factors }),
      zip(shape, factors).allSatisfy({ $0.isMultiple(of: $1) })
    else { throw .invalidShape(extents: shape, reason: "parts of another form") }
    self.factors = factors
    extents = zip(shape, factors).flatMap { $1 == 1 ? [$0] : [$0 / $1, $1] }
  }

  /// The place of one part by the position of its expert in the group.
  func places(
    of rule: TensorRule, _ values: LayoutValues, own: Range<Int>, isLocal: Bool
  ) throws(TensorError) -> (_ slot: Int) -> GroupPart {
    guard case .part(_, let terms) = rule.native, let disk = rule.extents(values) else {
      throw .invalidShape(extents: extents, reason: "a part without a place")
    }
    let unit = rule.name.hasExpert ? 1 : 0
    let splits = factors.count { $0 > 1 }
    var view = Array(repeating: 1, count: unit) + disk + Array(repeating: 1, count: splits)
    var lower = [Int](repeating: 0, count: view.count)
    var box = view
    var native: (lower: [Int], extents: [Int], permutation: [Int]) = ([], [], [])
    // The axis on disk, the native axis and the extent of halves that are exchanged.
    var exchanged: (source: Int, axis: Int, extent: Int)?
    var split = unit + disk.count
    var slotAxis: Int?
    for (axis, term) in terms.enumerated() {
      guard let offset = term.offset.value(values) else {
        throw .invalidShape(extents: extents, reason: "a part without a place")
      }
      let source = term.axis.map { $0 + unit } ?? 0
      let isExpert = term.axis == nil || rule.axes[source - unit].letter == "e"
      if term.axis == nil { slotAxis = native.lower.count }
      if isExpert, term.axis != nil {
        (lower[source], box[source]) = (isLocal ? 0 : own.lowerBound, own.count)
        if isLocal { view[source] = own.count }
      }
      if term.exchangesHalves {
        exchanged = (source, native.lower.count, offset)
        box[source] = offset
      }
      native.lower.append(factors[axis] == 1 ? offset : 0)
      native.extents.append(box[source])
      native.permutation.append(source)
      guard factors[axis] > 1 else { continue }
      native.lower.append(offset)
      native.extents.append(1)
      native.permutation.append(split)
      split += 1
    }
    let onDisk = Region(view: view, lower: lower, extents: box)
    let inverse = GroupPart.inverse(of: native.permutation)
    let halves = exchanged
    return { [extents] slot in
      var corner = native.lower
      if let slotAxis { corner[slotAxis] = slot }
      var part = GroupPart(
        onDisk: onDisk,
        inGroup: Region(view: extents, lower: corner, extents: native.extents),
        permutation: native.permutation, inverse: inverse)
      guard let halves else { return part }
      var lower = onDisk.lower
      (lower[halves.source], corner[halves.axis]) = (halves.extent, 0)
      part.others = [
        GroupPart(
          onDisk: Region(view: onDisk.view, lower: lower, extents: onDisk.extents),
          inGroup: Region(view: extents, lower: corner, extents: native.extents),
          permutation: native.permutation, inverse: inverse)
      ]
      return part
    }
  }
}

/// Low-rank factors of a group's parts: matrices `[rows, columns]` on disk, one for each expert and part,
/// stacked natively as `[experts, columns, rows of all parts]`.
///
/// The A factors of a group's parts are one native tensor, which each part repeats on disk.
struct FactorGroup: Sendable {
  struct Part: Sendable {
    /// The position of the part's weight in the layout.
    let rule: Int
    /// The rows on disk, or nil for the rank.
    let rows: Int?
  }

  /// The position among the layout's entries of factors.
  let lora: Int
  let isA: Bool
  /// The native name, relative to the layer.
  let native: String
  /// The columns on disk, or nil for the rank.
  let columns: Int?
  /// The parts in their order along the last native axis.
  let parts: [Part]
  /// The rules whose tensors on disk repeat the first part's.
  let repeated: [Int]

  /// The rules in the order in which upstream writes their factors.
  var rules: [Int] { parts.map(\.rule) + repeated }

  /// The axis of a matrix on disk along which the rank runs.
  var rankAxis: Int { isA ? 0 : 1 }

  /// The suffix on disk in place of `weight`.
  var suffix: String { isA ? "lora_A.weight" : "lora_B.weight" }

  /// The extents of one part on disk, `[rows, columns]`, for a rank.
  func extents(of part: Part, rank: Int) -> [Int] { [part.rows ?? rank, columns ?? rank] }

  /// The features of a factor that all experts share in one file, or nil where they overflow.
  var features: Int? { columns ?? parts.compactMap(\.rows).reduce(0, +) }

  /// The factors of all groups that have any: A, then B of each.
  static func all(_ layout: Layout, _ values: LayoutValues) -> [FactorGroup] {
    layout.lora.indices.flatMap { lora -> [FactorGroup] in
      let group = layout.groups[layout.lora[lora].group]
      let parts = group.parts.filter { layout.tensors[$0].isPresent(values) }
      let extents = parts.compactMap { layout.tensors[$0].extents(values) }
      guard let columns = extents.first?.last, extents.allSatisfy({ $0.count == 2 }) else {
        return []
      }
      let native = group.module + layout.lora[lora].native
      return [
        FactorGroup(
          lora: lora, isA: true, native: "\(native)_A", columns: columns,
          parts: [Part(rule: parts[0], rows: nil)], repeated: Array(parts.dropFirst())),
        FactorGroup(
          lora: lora, isA: false, native: "\(native)_B", columns: nil,
          parts: zip(parts, extents).map { Part(rule: $0, rows: $1[0]) }, repeated: []),
      ]
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// Where each element of one native tensor comes from, as the layout's index formulas say, element by
/// element and without a plan.
struct IndexFormula {
  /// A part of a group and where its elements go.
  fileprivate struct Part {
    let rule: TensorRule
    let terms: [IndexTerm]
    let offsets: [Int]
    let disk: [Int]
    let strides: [Int]
  }

  private enum Kind {
    case parts([Part])
    /// All elements stay in order, from an element on; the name on disk.
    case unchanged(TensorName, strides: [Int], from: Int)
  }

  private let kind: Kind
  /// What stands before the rest of the names of the tensor's layer.
  private let start: String
  private let firstExpert: Int
  // Neighbors nearly always have one name, and making names is the work here.
  private var last: (part: Int, expert: Int, name: TensorName)?

  /// Gives nil for LoRA factors, whose rank no config states, and for shapes that no formula has.
  init?(_ native: TensorInfo, _ context: IndexFormulas) {
    let layout = context.config.layout
    let name = layout.toDisk(native.name)
    let key = LenientKey(name, layout)
    firstExpert = context.firstExpert
    start = key.base ?? ""
    switch key.subject {
    case .factor, .groupFactor, .fusedFactor: return nil
    case .group:
      let layer = min(key.layer ?? 0, context.config.storedLayerCount - 1)
      let kinds = context.config.kinds(ofLayer: layer)
      let group = layout.groups.first {
        key.rest == $0.name && $0.kinds?.contains(kinds) ?? false
      }
      guard let group, let parts = context.parts(of: group, layer: layer, native.shape) else {
        return nil
      }
      kind = .parts(parts)
    default:
      var other = key.otherName(layout, isOnDisk: false).map { TensorName((key.base ?? "") + $0) }
      var first = 0
      if case .renamed(let rule) = key.subject, !layout.tensors[rule].pieces.isEmpty {
        let values = context.config.values(
          context.config.values(isGated: true), ofLayer: key.layer ?? 0)
        let own = layout.tensors[rule].pieces(values)?.first { $0.name == key.rest }
        guard let own, own.extents == native.shape.extents else { return nil }
        other = TensorName((key.base ?? "") + layout.tensors[rule].name.start)
        first = own.start * (native.shape.strides.first ?? 1)
      }
      kind = .unchanged(other ?? name, strides: native.shape.strides, from: first)
    }
  }

  /// The name and row-major index on disk of the element at a place, or nil where no formula leads.
  mutating func origin(of place: [Int]) -> (name: TensorName, index: Int)? {
    switch kind {
    case .unchanged(let name, let strides, let first):
      return (name, zip(place, strides).reduce(first) { $0 + $1.0 * $1.1 })
    case .parts(let parts):
      for (position, part) in parts.enumerated() {
        guard let (expert, index) = part.source(of: place, firstExpert: firstExpert) else {
          continue
        }
        return (name(position, part.rule, expert), index)
      }
      return nil
    }
  }

  private mutating func name(_ part: Int, _ rule: TensorRule, _ expert: Int) -> TensorName {
    if let last, last.part == part, last.expert == expert { return last.name }
    let name = TensorName(start + rule.name.name(expert: expert))
    last = (part, expert, name)
    return name
  }
}

extension IndexFormula.Part {
  /// The expert and the index on disk of what is at a native place, or nil if that is another part's.
  fileprivate func source(of place: [Int], firstExpert: Int) -> (expert: Int, index: Int)? {
    var expert = 0
    var index = 0
    for (axis, term) in terms.enumerated() {
      let distance = place[axis] - offsets[axis]
      let (value, remainder) =
        (term.exchangesHalves && distance < 0 ? distance + 2 * offsets[axis] : distance)
        .quotientAndRemainder(dividingBy: term.coefficient)
      guard remainder == 0, value >= 0 else { return nil }
      guard let source = term.axis else {
        expert = value + firstExpert
        continue
      }
      let isExpert = rule.axes[source].letter == "e"
      guard value < disk[source] else { return nil }
      index += (isExpert ? value + firstExpert : value) * strides[source]
    }
    return (expert, index)
  }
}

/// What the index formulas of a config's native tensors are made with.
struct IndexFormulas {
  let config: ModelConfig
  let firstExpert: Int
  private let candidates: [LayoutValues]

  init(_ config: ModelConfig, _ parallelism: ExpertParallelism?) {
    self.config = config
    firstExpert = parallelism?.experts(of: config.expertCount).lowerBound ?? 0
    // Whether experts are gated shows in the shape.
    candidates =
      [config.values(isGated: true)]
      + (config.layout.hasGateOption ? [config.values(isGated: false)] : [])
  }

  /// Whether a native name is that of a group.
  func isGroup(_ name: TensorName) -> Bool {
    if case .group = LenientKey(name, config.layout).subject { true } else { false }
  }

  /// The parts of a group whose native tensor has a shape, or nil if no formulas give that shape.
  fileprivate func parts(
    of group: NativeGroup, layer: Int, _ shape: Shape
  ) -> [IndexFormula.Part]? {
    for values in candidates {
      let values = config.values(values, ofLayer: layer)
      let experts = group.expertAxis.map { shape.rank > $0 ? shape[$0] : 0 } ?? 1
      guard config.layout.extents(of: group, values, experts: experts) == shape.extents else {
        continue
      }
      return group.parts.compactMap { position -> IndexFormula.Part? in
        let rule = config.layout.tensors[position]
        guard rule.isPresent(values), case .part(_, let terms) = rule.native,
          let disk = rule.extents(values), let shape = try? Shape(disk)
        else { return nil }
        return IndexFormula.Part(
          rule: rule, terms: terms, offsets: terms.map { $0.offset.value(values) ?? 0 }, disk: disk,
          strides: shape.strides)
      }
    }
    return nil
  }
}

/// The law that every element is where the layout's index formula puts it.
///
/// The formulas are evaluated element by element. Moves are affine, so a move is right everywhere if it is
/// right at one corner and one step along each axis from there.
struct PlacementLaw {
  private let formulas: IndexFormulas

  init(_ config: ModelConfig, _ parallelism: ExpertParallelism?) {
    formulas = IndexFormulas(config, parallelism)
  }

  func faults(of plan: ConversionPlan) -> [PlanFault] {
    plan.moves.compactMap { fault(of: $0, plan) }
  }

  private func fault(of move: TensorMove, _ plan: ConversionPlan) -> PlanFault? {
    let source = plan.sources[move.source]
    let destination = plan.destinations[move.destination]
    guard var formula = IndexFormula(destination, formulas) else { return nil }
    let (start, strides) = (move.sourceRegion.offset, move.sourceRegion.strides)
    for offset in corners(of: move.destinationRegion) {
      let inView = zip(move.destinationRegion.lower, offset).map { $0 + $1 }
      let element = zip(inView, move.destinationRegion.strides).reduce(0) { $0 + $1.0 * $1.1 }
      let place = destination.shape.indices(at: element)
      let expected = formula.origin(of: place)
      let found = zip(offset, move.permutation).reduce(start) { $0 + $1.0 * strides[$1.1] }
      if expected?.name != source.name || expected?.index != found {
        let origin = expected.map { "'\($0.name)' element \($0.index)" } ?? "nowhere"
        return PlanFault(
          .misplaced, destination.name, move.destinationRegion,
          "element \(place) should come from \(origin), but comes from '\(source.name)' "
            + "element \(found)")
      }
    }
    return nil
  }

  /// The lower corner of a box, and one step along each axis from there to the far side.
  private func corners(of region: Region) -> [[Int]] {
    guard region.elementCount > 0 else { return [] }
    let origin = [Int](repeating: 0, count: region.extents.count)
    return [origin]
      + region.extents.indices.filter { region.extents[$0] > 1 }.map { axis in
        var corner = origin
        corner[axis] = region.extents[axis] - 1
        return corner
      }
  }
}

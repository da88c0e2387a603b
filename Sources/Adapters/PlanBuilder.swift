// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// Destinations and moves as a planner collects them.
struct PlanBuilder {
  let direction: ConversionPlan.Direction
  let sources: [TensorInfo]
  private(set) var destinations: [TensorInfo] = []
  private(set) var moves: [TensorMove] = []
  private(set) var problems: [Problem] = []
  private var padded: Set<Int> = []
  private var omissions: [(source: Int, reason: ConversionPlan.Omission)] = []
  let context: AdapterPlanner
  let index: SourceIndex
  /// The experts that the native side holds.
  let ownExperts: Range<Int>
  /// The layouts of groups by rule and class of layer, made once.
  private var layouts: [LayoutKey: GroupLayout] = [:]
  /// The source that gave each name of the catalog to a destination.
  private var taken: [Int?]
  private var otherTaken: [TensorName: Int] = [:]
  /// What regions of tensors with few axes share: zeros and the axes in order.
  private static let fewAxes = (0..<5).map { rank in (zeros: zeros(rank), inOrder: Array(0..<rank))
  }

  init(
    _ direction: ConversionPlan.Direction, _ sources: [TensorInfo], _ context: AdapterPlanner,
    _ parallelism: ExpertParallelism?
  ) {
    self.direction = direction
    self.sources = sources
    self.context = context
    index = SourceIndex(sources, context.catalog)
    ownExperts = context.experts(of: parallelism)
    taken = Array(repeating: nil, count: context.catalog.count)
    destinations.reserveCapacity(sources.count)
    moves.reserveCapacity(sources.count)
  }

  /// Adds a destination and returns its position; the number of its name may be left out.
  mutating func add(_ info: TensorInfo, number: Int? = nil, from source: Int) -> Int {
    if let other = take(info.name, number ?? context.catalog.number(of: info.name), for: source) {
      report(
        .nameCollision, sources[source].name, expected: "one key for '\(info.name)'",
        found: "'\(sources[other].name)' has that name too")
    }
    let isLoaded = direction == .fromHF
    let dtype =
      isLoaded ? context.layout.loaded(info.dtype, asked: context.options.targetDType) : info.dtype
    destinations.append(TensorInfo(info.name, dtype, info.shape))
    return destinations.count - 1
  }

  /// Notes what gave a destination its name, and returns what did so before.
  private mutating func take(_ name: TensorName, _ number: Int?, for source: Int) -> Int? {
    guard let number else { return otherTaken.updateValue(source, forKey: name) }
    defer { taken[number] = source }
    return taken[number]
  }

  /// Whether a destination has the name of a number.
  func hasDestination(_ number: Int) -> Bool { taken[number] != nil }

  /// Whether a destination has a name.
  func hasDestination(named name: TensorName) -> Bool {
    context.catalog.number(of: name).map(hasDestination) ?? (otherTaken[name] != nil)
  }

  mutating func add(_ move: TensorMove) {
    moves.append(move)
  }

  /// Adds the move of a part from its place in a group.
  mutating func add(_ source: Int, splitTo destination: Int, _ part: GroupPart, isRepeat: Bool) {
    add(
      TensorMove(
        source: source, part.inGroup, destination: destination, part.onDisk,
        permutation: part.inverse, isRepeat: isRepeat))
    for other in part.others { add(source, splitTo: destination, other, isRepeat: isRepeat) }
  }

  /// Adds the move of a part to its place in a group.
  mutating func add(_ source: Int, to destination: Int, _ part: GroupPart) {
    add(
      TensorMove(
        source: source, part.onDisk, destination: destination, part.inGroup,
        permutation: part.permutation))
    for other in part.others { add(source, to: destination, other) }
  }

  /// Adds a destination that is a source under another name, whose number may be left out.
  ///
  /// - Parameter form: What else becomes of it, if not what the catalog says of the number.
  mutating func rename(
    _ source: Int, to name: TensorName, number: Int? = nil, form: RenamedForm? = nil
  ) {
    let info = sources[source]
    let form = form ?? number.flatMap { context.catalog.form(of: $0) }
    let target = direction == .fromHF ? form?.dtype : nil
    // A source of another size is reported, or none that the config has.
    let isFitting = form.map { Region(whole: $0.source).isInside(info.shape) } ?? false
    let fitting = isFitting ? form : nil
    let destination = add(
      TensorInfo(name, target ?? info.dtype, fitting?.shape ?? info.shape), number: number,
      from: source)
    if let target, !Cast.isSupported(from: info.dtype, to: target) {
      report(
        .wrongDType, info.name, expected: "a type that can be cast to \(target)",
        found: "\(info.dtype)")
    }
    let extents = fitting?.box ?? info.shape.extents
    let (zeros, inOrder) =
      extents.count < Self.fewAxes.count
      ? Self.fewAxes[extents.count] : (Self.zeros(extents.count), Array(extents.indices))
    let whole = Region(view: fitting?.source ?? extents, lower: zeros, extents: extents)
    let there = Region(view: fitting?.view ?? extents, lower: zeros, extents: extents)
    add(TensorMove(source: source, whole, destination: destination, there, permutation: inOrder))
    if whole.view != extents { omit(source, .padding) }
    if there.view != extents { padded.insert(destination) }
  }

  /// Adds the destination that is some rows of a source on disk.
  mutating func addPiece(_ number: Int, of source: Int) {
    guard let piece = context.catalog.pieceShapes[number], let shape = piece.shape else { return }
    let info = sources[source]
    // A source of another shape is reported.
    guard info.shape.rank == shape.rank else { return }
    let destination = add(
      TensorInfo(context.catalog.name(of: number), info.dtype, shape), number: number, from: source)
    let lower = [piece.start] + Self.zeros(shape.rank - 1)
    add(
      TensorMove(
        source: source, Region(view: info.shape.extents, lower: lower, extents: shape.extents),
        destination: destination, Region(whole: shape.extents),
        permutation: Array(shape.extents.indices)))
  }

  /// Adds the destination on disk that is made of pieces, one source for each.
  mutating func join(_ pieces: [(source: Int, number: Int)], to number: Int) {
    let info = context.catalog.schema[number]
    let destination = add(
      TensorInfo(info.name, sources[pieces[0].source].dtype, info.shape), number: number,
      from: pieces[0].source)
    for (source, number) in pieces {
      guard let piece = context.catalog.pieceShapes[number], let shape = piece.shape else {
        continue
      }
      let lower = [piece.start] + Self.zeros(shape.rank - 1)
      add(
        TensorMove(
          source: source, Region(whole: shape.extents), destination: destination,
          Region(view: info.shape.extents, lower: lower, extents: shape.extents),
          permutation: Array(shape.extents.indices)))
    }
  }

  private static func zeros(_ count: Int) -> [Int] { Array(repeating: 0, count: count) }

  /// Leaves a source out, or the rest of one; a reason that is given again counts once.
  mutating func omit(_ source: Int, _ reason: ConversionPlan.Omission) {
    if let last = omissions.last, last == (source, reason) { return }
    omissions.append((source, reason))
  }

  mutating func report(
    _ code: Problem.Code, _ subject: TensorName, expected: String, found: String
  ) {
    problems.append(Problem(code, subject, expected: expected, found: found))
  }

  /// The plan, if nothing was found wrong.
  func finish() throws(AdapterError) -> ConversionPlan {
    guard problems.isEmpty else {
      throw AdapterError(problems, cause: RefusalCause(self).sentence)
    }
    return ConversionPlan(
      direction: direction, sources: sources, destinations: destinations, moves: moves,
      omissions: omissions.sorted { $0.source < $1.source }, padded: padded)
  }
}

/// The layouts of groups.
extension PlanBuilder {
  private struct LayoutKey: Hashable {
    let rule: Int
    let isVariant: Bool
  }

  /// What a group of the catalog has here by the numbers of the names on disk, with the place of the expert
  /// and that among the parts; of one that is grouped on disk, all parts stand in the first place.
  func members(of group: NameCatalog.Group) -> [(slot: Int, part: Int, number: Int)] {
    let experts = group.isNumbered ? context.config.expertCount : 1
    let count = group.parts.count / experts
    let places = group.isNumbered ? Array(ownExperts) : ownExperts.isEmpty ? [] : [0]
    var result: [(slot: Int, part: Int, number: Int)] = []
    result.reserveCapacity(places.count * count)
    for (slot, place) in places.enumerated() {
      for part in 0..<count { result.append((slot, part, group.parts[place * count + part])) }
    }
    return result
  }

  /// The layout of a group of the catalog, or nil if it is reported why there is none.
  mutating func layout(of group: NameCatalog.Group, _ name: TensorName) -> GroupLayout? {
    let config = context.config
    let key = LayoutKey(rule: group.rule, isVariant: config.variant.layers.contains(group.layer))
    if let layout = layouts[key] { return layout }
    let values = config.values(context.values, ofLayer: group.layer)
    let rule = context.layout.groups[group.rule]
    let parts = rule.parts.map { context.layout.tensors[$0] }.filter { $0.isPresent(values) }
    do {
      let layout = try GroupLayout(
        rule, parts, values, context.layout, own: ownExperts, isLocal: direction == .toHF)
      layouts[key] = layout
      return layout
    } catch {
      report(
        .wrongShape, name, expected: "parts that make one tensor", found: error.description)
      return nil
    }
  }

  /// The layout of factors of a name, or nil if it is reported as too large.
  mutating func layout(
    of group: FactorGroup, _ name: TensorName, rank: Int, found: String? = nil
  ) -> GroupLayout? {
    do {
      return try GroupLayout(
        rows: group.parts.map { $0.rows ?? rank }, columns: group.columns ?? rank,
        experts: context.config.expertCount)
    } catch {
      report(.wrongShape, name, expected: "a size below 2^63", found: found ?? "rank \(rank)")
      return nil
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// Destinations and moves as a planner collects them.
struct PlanBuilder {
  let direction: ConversionPlan.Direction
  let sources: [TensorInfo]
  private(set) var destinations: [TensorInfo] = []
  private(set) var moves: [TensorMove] = []
  private(set) var findings: [Finding] = []
  private var omissions: [(source: Int, reason: ConversionPlan.Omission)] = []
  private let catalog: NameCatalog
  /// The source that gave each name of the catalog to a destination.
  private var taken: NumberedSources
  private var otherTaken: [TensorName: Int] = [:]
  /// What regions of tensors with few axes share: zeros and the axes in order.
  private let fewAxes = (0..<5).map { rank in (zeros: Self.zeros(rank), inOrder: Array(0..<rank)) }

  init(_ direction: ConversionPlan.Direction, _ sources: [TensorInfo], _ catalog: NameCatalog) {
    self.direction = direction
    self.sources = sources
    self.catalog = catalog
    taken = NumberedSources(nameCount: catalog.count, expectedCount: sources.count)
    destinations.reserveCapacity(sources.count)
    moves.reserveCapacity(sources.count)
  }

  /// Adds a destination and returns its position; the number of its name may be left out.
  mutating func add(_ info: TensorInfo, number: Int? = nil, from source: Int) -> Int {
    if let other = take(info.name, number ?? catalog.number(of: info.name), for: source) {
      report(
        .nameCollision, sources[source].name, expected: "one key for '\(info.name)'",
        found: "'\(sources[other].name)' has that name too")
    }
    destinations.append(info)
    return destinations.count - 1
  }

  /// Notes what gave a destination its name, and returns what did so before.
  private mutating func take(_ name: TensorName, _ number: Int?, for source: Int) -> Int? {
    guard let number else { return otherTaken.updateValue(source, forKey: name) }
    return taken.update(source, forNumber: number)
  }

  /// Whether a destination has the name of a number.
  func hasDestination(_ number: Int) -> Bool { taken[number] != nil }

  /// Whether a destination has a name.
  func hasDestination(named name: TensorName) -> Bool {
    catalog.number(of: name).map(hasDestination) ?? (otherTaken[name] != nil)
  }

  mutating func add(_ move: TensorMove) {
    moves.append(move)
  }

  /// Adds a destination that is a source under another name, whose number may be left out.
  mutating func rename(_ source: Int, to name: TensorName, number: Int? = nil) {
    let info = sources[source]
    let destination = add(TensorInfo(name, info.dtype, info.shape), number: number, from: source)
    let extents = info.shape.extents
    let (zeros, inOrder) =
      extents.count < fewAxes.count
      ? fewAxes[extents.count] : (Self.zeros(extents.count), Array(extents.indices))
    let whole = Region(view: extents, lower: zeros, extents: extents)
    add(TensorMove(source: source, whole, destination: destination, whole, permutation: inOrder))
  }

  private static func zeros(_ count: Int) -> [Int] { Array(repeating: 0, count: count) }

  mutating func omit(_ source: Int, _ reason: ConversionPlan.Omission) {
    omissions.append((source, reason))
  }

  mutating func report(
    _ code: Finding.Code, _ subject: TensorName, expected: String, found: String
  ) {
    findings.append(Finding(code, subject, expected: expected, found: found))
  }

  /// The plan, if nothing was found wrong.
  func finish() throws(AdapterError) -> ConversionPlan {
    guard findings.isEmpty else { throw AdapterError(findings) }
    return ConversionPlan(
      direction: direction, sources: sources, destinations: destinations, moves: moves,
      omissions: omissions.sorted { $0.source < $1.source })
  }
}

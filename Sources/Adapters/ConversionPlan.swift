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
  /// The copies, those of one destination one behind the other.
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
  func unequalRepeats(_ source: (Int) throws -> Tensor) rethrows -> [Finding] {
    var findings: [Finding] = []
    for omission in omissions {
      guard case .repeats(let kept) = omission.reason,
        try source(omission.source) != source(kept)
      else { continue }
      findings.append(
        Finding(
          .differentLoRAFactors, sources[omission.source].name,
          expected:
            "the same bits as '\(sources[kept].name)', because native form keeps one of them",
          found: "other bits"))
    }
    return findings
  }
}

/// Destinations and moves as a planner collects them.
struct PlanBuilder {
  let direction: ConversionPlan.Direction
  let sources: [TensorInfo]
  private(set) var destinations: [TensorInfo] = []
  private(set) var moves: [TensorMove] = []
  private(set) var findings: [Finding] = []
  private var omissions: [(source: Int, reason: ConversionPlan.Omission)] = []
  let context: LayoutContext
  /// The source that gave each name of the catalog to a destination.
  private var taken: [Int?]
  private var otherTaken: [TensorName: Int] = [:]
  /// What regions of tensors with few axes share: zeros and the axes in order.
  private let fewAxes = (0..<5).map { rank in (zeros: Self.zeros(rank), inOrder: Array(0..<rank)) }

  init(_ direction: ConversionPlan.Direction, _ sources: [TensorInfo], _ context: LayoutContext) {
    self.direction = direction
    self.sources = sources
    self.context = context
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
    destinations.append(info)
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

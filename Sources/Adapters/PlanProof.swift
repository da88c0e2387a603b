// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Layouts
import Synchronization
public import Tensors

/// One thing that a plan gets wrong, and the elements concerned.
public struct PlanFault: Sendable, Hashable, CustomStringConvertible {
  /// The kind of a fault.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// A move leaves its tensors, or its regions have different extents.
    case malformedMove = "malformed move"
    /// Elements of a destination that nothing writes.
    case neverWritten = "never written"
    /// Elements of a destination that several moves write.
    case writtenTwice = "written twice"
    /// Elements of a source that are lost without a reason.
    case neverRead = "never read"
    /// Elements of a source that go to several places.
    case readTwice = "read twice"
    /// Elements that are not where the layout says.
    case misplaced
    /// Elements that converting back does not restore.
    case notReturned = "not returned"
  }

  /// What is wrong.
  public let kind: Kind

  /// The law that the fault breaks.
  public var law: PlanProof.Law {
    switch kind {
    case .malformedMove: .wellFormed
    case .neverWritten, .writtenTwice, .neverRead, .readTwice: .covered
    case .misplaced: .placed
    case .notReturned: .returned
    }
  }

  /// The tensor concerned.
  public let tensor: TensorName
  /// The elements concerned, as a box of the tensor or of a view of it.
  public let region: Region
  /// What should be there and what is.
  public let detail: String

  /// Creates a fault.
  public init(_ kind: Kind, _ tensor: TensorName, _ region: Region, _ detail: String) {
    self.kind = kind
    self.tensor = tensor
    self.region = region
    self.detail = detail
  }

  /// The text shown to people.
  public var description: String {
    "\(kind.rawValue): '\(tensor)' \(region): \(detail)".onOneLine
  }
}

/// The proof, without data, that every element of a checkpoint has one place and returns.
///
/// It reads nothing but finished plans, and states the layout a second time, by index formulas, so
/// that a fault of the planner cannot hide in it.
public struct PlanProof: Sendable {
  /// A law that plans obey.
  public enum Law: String, Sendable, Hashable, CaseIterable {
    /// Every move stays inside its tensors.
    case wellFormed = "well-formed"
    /// Every element is written once and read once.
    case covered
    /// Every element is where the layout's index formula puts it.
    case placed
    /// Converting back restores every element.
    case returned

    /// What the law says.
    public var statement: String {
      switch self {
      case .wellFormed: "every move stays inside its tensors"
      case .covered: "every element is written once and read once"
      case .placed: "every element is where the layout's index formula puts it"
      case .returned: "converting back restores every element"
      }
    }
  }

  /// What is wrong with the plans, empty if they are proven.
  public let faults: [PlanFault]
  /// The number of elements moved from disk to native form.
  public let movedElementCount: Int
  /// The number of moves examined, both ways.
  public let moveCount: Int

  /// Whether nothing is wrong.
  public var holds: Bool { faults.isEmpty }

  /// Examines a plan from disk and the plan of its result back to disk.
  ///
  /// The faults found are cut at a limit, because one wrong rule shows in every layer.
  ///
  /// - Complexity: O(moves log moves).
  public init(
    forward: ConversionPlan, backward: ConversionPlan, config: ModelConfig,
    parallelism: ExpertParallelism? = nil, limit: Int = 100
  ) {
    // The laws compute with regions, so all regions must be well formed first.
    let malformed = Self.malformedMoves(forward) + Self.malformedMoves(backward)
    let laws: [@Sendable () -> [PlanFault]] = [
      { PlanCoverage(forward).faults() },
      { PlanCoverage(backward).faults() },
      { PlacementLaw(config, parallelism).faults(of: forward) },
      { RoundTripLaw(forward, backward).faults() },
    ]
    let found = Mutex([[PlanFault]](repeating: [], count: laws.count))
    ParallelWork.run(count: malformed.isEmpty ? laws.count : 0) { law in
      let faults = laws[law]()
      found.withLock { $0[law] = faults }
    }
    self.faults = Array((malformed + found.withLock { $0.joined() }).prefix(limit))
    movedElementCount =
      forward.moves.reduce(0) { $0 &+ $1.destinationRegion.extents.reduce(1, &*) }
    moveCount = forward.moves.count + backward.moves.count
  }

  /// The same examination with other faults.
  init(_ faults: [PlanFault], of proof: PlanProof) {
    (self.faults, movedElementCount, moveCount) = (faults, proof.movedElementCount, proof.moveCount)
  }

  private static func malformedMoves(_ plan: ConversionPlan) -> [PlanFault] {
    let faults = plan.moves.compactMap { malformation(of: $0, plan) }
    let scattered = zip(plan.moves, plan.moves.dropFirst()).first {
      $0.destination > $1.destination
    }
    guard faults.isEmpty, let (_, move) = scattered else { return faults }
    return [
      PlanFault(
        .malformedMove, plan.destinations[move.destination].name, move.destinationRegion,
        "the moves are not in the order of their destinations")
    ]
  }

  private static func malformation(of move: TensorMove, _ plan: ConversionPlan) -> PlanFault? {
    guard plan.sources.indices.contains(move.source),
      plan.destinations.indices.contains(move.destination)
    else {
      return PlanFault(
        .malformedMove, "plan", move.sourceRegion, "the move names a tensor outside the plan")
    }
    let source = plan.sources[move.source]
    let destination = plan.destinations[move.destination]
    guard move.sourceRegion.isInside(source.shape) else {
      return PlanFault(
        .malformedMove, source.name, move.sourceRegion, "outside the shape \(source.shape)")
    }
    guard move.destinationRegion.isInside(destination.shape) else {
      return PlanFault(
        .malformedMove, destination.name, move.destinationRegion,
        "outside the shape \(destination.shape)")
    }
    guard move.isConsistent else {
      return PlanFault(
        .malformedMove, destination.name, move.destinationRegion,
        "the source region \(move.sourceRegion) has other extents under the axes "
          + "\(move.permutation)")
    }
    return nil
  }
}

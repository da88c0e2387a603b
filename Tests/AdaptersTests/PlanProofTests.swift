// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors
import Testing

@testable import Adapters

@Suite("The proof accepts right plans and says what is wrong with wrong ones")
struct PlanProofTests {
  private struct Plans {
    let config: ModelConfig
    var forward: ConversionPlan
    var backward: ConversionPlan

    init(_ config: ModelConfig, _ options: AdapterOptions, _ rank: ExpertParallelism? = nil) throws
    {
      self.config = config
      let planner = AdapterPlanner(config, options)
      forward = try planner.fromHF(planner.schema, expertParallelism: rank)
      backward = try planner.toHF(forward.destinations, expertParallelism: rank)
    }

    func proof(_ rank: ExpertParallelism? = nil) -> PlanProof {
      PlanProof(forward: forward, backward: backward, config: config, parallelism: rank)
    }
  }

  @Test("The plans of every small config are proven")
  func holds() throws {
    var count = 0
    for (experts, hidden, inter) in [(1, 1, 1), (2, 3, 3), (3, 4, 2), (11, 2, 3)] {
      for mtp in [0, 1] {
        for activation in [ExpertActivation.swiglu, .relu2] {
          for policy in MTPPolicy.allCases {
            // Every prefix with the smallest config, one with the others.
            for prefix in experts == 1 ? ModelPrefix.allCases : [.model] {
              let config = try TestCheckpoint.config(
                experts: experts, hidden: hidden, inter: inter,
                layers: [.sparse, .dense, .sparse], mtp: mtp)
              let options = AdapterOptions(
                activation: activation, prefix: prefix, mtpPolicy: policy)
              let proof = try Plans(config, options).proof()
              #expect(proof.faults.prefix(3) == [], "\(experts) \(hidden) \(inter) \(options)")
              #expect(proof.holds)
              count += proof.moveCount
              let elements = AdapterPlanner(config, options).schema
                .filter { policy == .preserve || !$0.name.text.contains("layers.3.") }
                .reduce(0) { $0 + $1.shape.elementCount }
              #expect(proof.movedElementCount == elements)
            }
          }
        }
      }
    }
    #expect(count > 1000, "\(count) moves")
  }

  @Test("The plans of every rank are proven, and not those of another rank")
  func ranks() throws {
    for (experts, size) in [(1, 2), (3, 2), (7, 3), (4, 6)] {
      let config = try TestCheckpoint.config(experts: experts, layers: [.sparse])
      for rank in 0..<size {
        let parallelism = try ExpertParallelism(rank: rank, size: size)
        let plans = try Plans(config, AdapterOptions(), parallelism)
        #expect(plans.proof(parallelism).faults.prefix(3) == [], "\(rank) of \(size)")
        let other = try ExpertParallelism(rank: (rank + 1) % size, size: size)
        let start = parallelism.experts(of: experts).lowerBound
        let differs =
          start != other.experts(of: experts).lowerBound
          && !parallelism.experts(of: experts).isEmpty
        #expect(plans.proof(other).holds == !differs, "\(rank) of \(size)")
      }
    }
  }

  /// One move of each class, by the end of its source's name.
  private static let classes = [
    "layers.1.mlp.experts.1.gate_proj.weight", "layers.1.mlp.experts.1.up_proj.weight",
    "layers.1.mlp.experts.1.down_proj.weight", "layers.1.mlp.router.gate.weight",
    "layers.1.self_attn.q_proj.weight",
  ]

  /// Plants a fault in the forward move of each class, and looks for what the proof says of it.
  private func plant(
    square: Bool = false, _ classes: [String] = classes,
    _ edit: (inout Plans, _ move: Int) throws -> Set<Verdict>
  ) throws {
    // All sizes are six, or all are different.
    let config =
      try square
      ? TestCheckpoint.config(experts: 6, hidden: 6, inter: 6) : TestCheckpoint.config()
    for suffix in classes {
      var plans = try Plans(config, AdapterOptions())
      let source = try #require(
        plans.forward.sources.firstIndex { $0.name.text.hasSuffix(suffix) })
      let move = try #require(plans.forward.moves.firstIndex { $0.source == source })
      let expected = try edit(&plans, move)
      let found = Set(plans.proof().faults.map(Verdict.init))
      let surplus = found.subtracting(expected).sorted()
      let missing = expected.subtracting(found).sorted()
      #expect(surplus.prefix(3) == [], "\(suffix): said in error")
      #expect(missing.prefix(3) == [], "\(suffix): not said")
    }
  }

  /// Kind, tensor and elements of a fault, as text.
  private struct Verdict: Hashable, Comparable, CustomStringConvertible {
    let description: String

    init(_ kind: PlanFault.Kind, _ info: TensorInfo, _ region: Region) {
      description = "\(kind.rawValue) \(info.name) \(region)"
    }

    init(_ fault: PlanFault) {
      description = "\(fault.kind.rawValue) \(fault.tensor) \(fault.region)"
    }

    static func < (lhs: Verdict, rhs: Verdict) -> Bool { lhs.description < rhs.description }
  }

  @Test("A dropped move leaves elements unwritten and unread")
  func dropped() throws {
    try plant { plans, position in
      let move = plans.forward.moves.remove(at: position)
      let destination = plans.forward.destinations[move.destination]
      return [
        Verdict(.neverWritten, destination, move.destinationRegion),
        Verdict(.neverRead, plans.forward.sources[move.source], unread(move, plans.forward)),
      ]
    }
  }

  /// A tensor that no move reads is reported in its own shape.
  private func unread(_ move: TensorMove, _ plan: ConversionPlan) -> Region {
    Region(whole: plan.sources[move.source].shape.extents)
  }

  @Test("A doubled move writes and reads elements twice")
  func doubled() throws {
    try plant { plans, position in
      let move = plans.forward.moves[position]
      plans.forward.moves.insert(move, at: position)
      let destination = plans.forward.destinations[move.destination]
      return [
        Verdict(.writtenTwice, destination, move.destinationRegion),
        Verdict(.readTwice, plans.forward.sources[move.source], move.sourceRegion),
      ]
    }
  }

  @Test("A move shifted by one row leaves one row out and misplaces the others")
  func shifted() throws {
    try plant { plans, position in
      let whole = plans.forward.moves[position]
      let region = whole.destinationRegion
      let axis = region.extents.count - 1
      // All but the last row, each one place further on.
      let shorter = Region(
        view: region.view, lower: region.lower, extents: region.extents.resizing(axis, by: -1))
      var move = try #require(whole.restricted(toDestination: shorter))
      move.destinationRegion = Region(
        view: region.view, lower: region.lower.resizing(axis, by: 1), extents: shorter.extents)
      plans.forward.moves[position] = move

      let first = Region(
        view: region.view, lower: region.lower, extents: region.extents.setting(axis, to: 1))
      let lost = whole.sourceRegion
      let row = whole.permutation[axis]
      let last = Region(
        view: lost.view, lower: lost.lower.resizing(row, by: lost.extents[row] - 1),
        extents: lost.extents.setting(row, to: 1))
      let destination = plans.forward.destinations[move.destination]
      let source = plans.forward.sources[move.source]
      return [
        Verdict(.neverWritten, destination, first), Verdict(.neverRead, source, last),
        Verdict(.misplaced, destination, move.destinationRegion),
        Verdict(.notReturned, source, move.sourceRegion),
      ]
    }
  }

  @Test("A move that is not transposed is refuted where shapes cannot tell, too")
  func notTransposed() throws {
    try plant(square: true) { plans, position in
      let rank = plans.forward.moves[position].permutation.count
      let isExpert = rank == 3
      plans.forward.moves[position].permutation = isExpert ? [0, 1, 2] : [1, 0]
      let move = plans.forward.moves[position]
      return [
        Verdict(
          .misplaced, plans.forward.destinations[move.destination], move.destinationRegion),
        Verdict(.notReturned, plans.forward.sources[move.source], move.sourceRegion),
      ]
    }
    try plant(Array(Self.classes[..<3])) { plans, position in
      plans.forward.moves[position].permutation = [0, 1, 2]
      let move = plans.forward.moves[position]
      return [
        Verdict(
          .malformedMove, plans.forward.destinations[move.destination], move.destinationRegion)
      ]
    }
  }

  @Test("A move from another expert's tensor is refuted four times")
  func wrongSource() throws {
    try plant(Array(Self.classes[..<3])) { plans, position in
      let own = plans.forward.moves[position]
      let name = plans.forward.sources[own.source].name.text
        .replacing("experts.1.", with: "experts.2.")
      let other = try #require(plans.forward.sources.firstIndex { $0.name.text == name })
      plans.forward.moves[position].source = other
      return [
        Verdict(.neverRead, plans.forward.sources[own.source], unread(own, plans.forward)),
        Verdict(.readTwice, plans.forward.sources[other], own.sourceRegion),
        Verdict(.misplaced, plans.forward.destinations[own.destination], own.destinationRegion),
        Verdict(.notReturned, plans.forward.sources[other], own.sourceRegion),
      ]
    }
  }

  @Test("A wrong move on the way back alone is refuted, too")
  func backward() throws {
    for square in [false, true] {
      try plant(square: square) { plans, position in
        let there = plans.forward.moves[position]
        let name = plans.forward.sources[there.source].name
        let home = try #require(plans.backward.destinations.firstIndex { $0.name == name })
        let back = try #require(plans.backward.moves.firstIndex { $0.destination == home })
        let move = plans.backward.moves.remove(at: back)
        return [
          Verdict(
            .neverWritten, plans.backward.destinations[home],
            Region(whole: plans.backward.destinations[home].shape.extents)),
          Verdict(
            .neverRead, plans.backward.sources[move.source],
            move.sourceRegion),
        ]
      }
    }
  }

  /// Exchanges places in the grouped tensors, the same way in both directions.
  private func exchange(
    _ places: (inout TensorMove, _ native: WritableKeyPath<TensorMove, Region>) -> Void
  ) throws -> [PlanFault] {
    var plans = try Plans(TestCheckpoint.config(), AdapterOptions())
    for index in plans.forward.moves.indices
    where plans.forward.moves[index].permutation.count == 3 {
      places(&plans.forward.moves[index], \.destinationRegion)
    }
    for index in plans.backward.moves.indices
    where plans.backward.moves[index].permutation.count == 3 {
      places(&plans.backward.moves[index], \.sourceRegion)
    }
    return plans.proof().faults
  }

  @Test("Gate and up halves swapped in both directions are misplaced, though they return")
  func swappedHalves() throws {
    let inter = try TestCheckpoint.config().moeIntermediateSize
    let faults = try exchange { move, native in
      let region = move[keyPath: native]
      guard region.view[2] == 2 * inter else { return }
      move[keyPath: native] = Region(
        view: region.view,
        lower: region.lower.setting(2, to: region.lower[2] == 0 ? inter : 0),
        extents: region.extents)
    }
    #expect(faults.count == 6)
    #expect(Set(faults.map(\.kind)) == [.misplaced])
    #expect(Set(faults.map(\.tensor)) == ["model.layers.1.mlp.experts.gate_and_up_projs"])
    #expect(Set(faults.map(\.region)).count == 6)
    #expect(faults.allSatisfy { $0.region.extents == [1, 4, 5] })
  }

  @Test("Experts exchanged in both directions are misplaced, though they return")
  func exchangedExperts() throws {
    let faults = try exchange { move, native in
      let region = move[keyPath: native]
      guard region.lower[0] != 1 else { return }
      move[keyPath: native] = Region(
        view: region.view, lower: region.lower.setting(0, to: 2 - region.lower[0]),
        extents: region.extents)
    }
    // Gate, up and down of experts 0 and 2.
    #expect(faults.count == 6)
    #expect(Set(faults.map(\.kind)) == [.misplaced])
    #expect(Set(faults.map { $0.region.lower[0] }) == [0, 2])
    #expect(
      Set(faults.map(\.tensor)) == [
        "model.layers.1.mlp.experts.gate_and_up_projs", "model.layers.1.mlp.experts.down_projs",
      ])
  }

  @Test("Moves outside their tensors are refuted before anything is computed with them")
  func malformed() throws {
    let good = try Plans(TestCheckpoint.config(), AdapterOptions())
    let move = good.forward.moves[0]
    let region = move.destinationRegion
    let rank = region.view.count
    let regions = [
      Region(view: region.view, lower: region.lower.setting(0, to: 1), extents: region.extents),
      Region(view: region.view, lower: region.lower.setting(0, to: -1), extents: region.extents),
      Region(view: region.view, lower: region.lower, extents: region.extents.setting(0, to: .max)),
      Region(view: region.view, lower: region.lower.setting(0, to: .max), extents: region.extents),
      Region(whole: Array(repeating: .max, count: rank)), Region(whole: []),
      Region(view: region.view, lower: [], extents: []),
    ]
    var edits: [TensorMove] = []
    for region in regions {
      var (source, destination) = (move, move)
      source.sourceRegion = region
      destination.destinationRegion = region
      edits += [source, destination]
    }
    for permutation in [[], [0], [0, 0], [0, 2], [1, 2], [-1, 0]] {
      var edit = move
      edit.permutation = permutation
      edits.append(edit)
    }
    for position in [-1, 1000, Int.max] {
      var (source, destination) = (move, move)
      source.source = position
      destination.destination = position
      edits += [source, destination]
    }
    for edit in edits {
      for isForward in [true, false] {
        var plans = good
        if isForward { plans.forward.moves[0] = edit } else { plans.backward.moves[0] = edit }
        let faults = plans.proof().faults
        #expect(faults.map(\.kind) == [.malformedMove], "\(edit)")
      }
    }
  }

  @Test("A limit cuts the faults, and never to none")
  func limit() throws {
    var plans = try Plans(TestCheckpoint.config(), AdapterOptions())
    plans.forward.moves.removeAll()
    let all = plans.proof().faults.count
    let proof = PlanProof(
      forward: plans.forward, backward: plans.backward, config: plans.config, limit: 3)
    #expect(all > 3 && proof.faults.count == 3 && !proof.holds)
  }

  @Test("A pass-through tensor without elements does not disturb the proof, however long its axes")
  func emptyTensors() throws {
    let config = try TestCheckpoint.config()
    let planner = AdapterPlanner(config)
    for extents in [[1 << 62, 4, 0], [0, 1 << 62, 4], [5, 0, 1 << 62, 1 << 62]] {
      let infos = planner.schema + [TensorInfo("visual.empty", .f32, try Shape(extents))]
      let forward = try planner.fromHF(infos)
      let backward = try planner.toHF(forward.destinations)
      let proof = PlanProof(forward: forward, backward: backward, config: config)
      #expect(proof.faults.prefix(3) == [], "\(extents)")
    }
  }
}

extension [Int] {
  /// The same with one value changed by a difference.
  fileprivate func resizing(_ index: Int, by difference: Int) -> [Int] {
    setting(index, to: self[index] + difference)
  }

  /// The same with one value replaced.
  fileprivate func setting(_ index: Int, to value: Int) -> [Int] {
    var result = self
    result[index] = value
    return result
  }
}

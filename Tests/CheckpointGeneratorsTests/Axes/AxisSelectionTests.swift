// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import PropertyEngine
import Testing

@testable import CheckpointGenerators

@Suite("Spaces with values of axes left out")
struct AxisSelectionTests {
  private static let lists: [[AxisSelection]] = [
    [AxisSelection("LoRA", ["none"]), AxisSelection("activation", ["swiglu"])],
    // Without factors there is no rank of 2, which greedy choices see too late.
    [AxisSelection("LoRA rank", ["2", "3 or more"])],
    [
      AxisSelection("experts", ["1", "2"]), AxisSelection("expert parallelism", ["uneven ranks"]),
    ],
    [
      AxisSelection("extent", ["experts only", "LoRA only"]),
      AxisSelection("key prefix", ["none", "model."]), AxisSelection("MTP policy", ["drop"]),
    ],
    [AxisSelection("hidden size", ["1", "odd"]), AxisSelection("rank", ["middle", "last"])],
  ]

  private func space(_ supports: [AxisSelection]) throws -> CheckpointSpace {
    var space = CheckpointSpace(faultKinds: CheckpointFaultCatalogue.all.count)
    try space.restrict(to: supports)
    return space
  }

  @Test("Checkpoints have allowed values only, are valid, and no draw is in vain")
  func allowed() throws {
    for supports in Self.lists where supports[0].axis != "experts" {
      let space = try space(supports)
      #expect(space.conflict == nil)
      let drawn = specs(space, count: 120)
      #expect(drawn.count == 120, "\(supports)")
      let wrong = drawn.compactMap { space.disallowedAxis(AxisValues($0)) }
      #expect(wrong.isEmpty, "\(supports): \(wrong)")
      #expect(drawn.prefix(8).compactMap(refusal) == [])
      for support in supports {
        let axis = try #require(ConfigAxis.allCases.first { $0.name == support.axis })
        let found = Set(drawn.compactMap { AxisValues($0)[axis] }.map { axis.values[$0] })
        #expect(found == Set(support.values), "\(support)")
      }
    }
  }

  @Test("Values that never go together leave an empty space")
  func empty() throws {
    let space = try space(Self.lists[2])
    #expect(space.conflict != nil)
    var config = CheckpointSpace(config: CheckpointSpec.plainest.config)
    try config.restrict(to: [AxisSelection("experts", ["2", "3"])])
    #expect(config.conflict == "experts is none of those allowed: 2, 3")
    var pinned = CheckpointSpace(pinned: [.experts: 5])
    try pinned.restrict(to: [AxisSelection("experts", ["2", "3"])])
    #expect(pinned.conflict == "experts 10 is not allowed")
  }

  @Test("The whole space has choices for each checkpoint of a restricted one")
  func choicesOfWhole() throws {
    let whole = CheckpointSpace(faultKinds: CheckpointFaultCatalogue.all.count)
    let property = Property(Generator<CheckpointSpec>.checkpoints(whole)) { _, _ in .pass }
    for supports in Self.lists where supports[0].axis != "experts" {
      let space = try space(supports)
      let own = Property(Generator<CheckpointSpec>.checkpoints(space)) { _, _ in .pass }
      let drawn = choices(space, count: 100)
      #expect(drawn.count > 30)
      for choices in drawn {
        let spec = own.replay(choices).value
        let found = try #require(whole.choices(of: spec), "\(supports)")
        #expect(property.replay(found).value == spec, "\(supports)")
        #expect(!property.replay(found).isStale)
        // What makes it in the whole space makes it in the restricted one, too.
        #expect(own.replay(found).value == spec)
      }
    }
  }

  /// The choices of some cases, as the engine draws them.
  private func choices(_ space: CheckpointSpace, count: Int) -> [ChoiceSequence] {
    var settings = Settings(examples: count)
    settings.shrinkExecutions = 0
    settings.keepsGoing = true
    let property = Property(Generator<CheckpointSpec>.checkpoints(space)) { spec, _ in
      .fail(FailureKey(law: "\(spec.variation)"), "")
    }
    return property.run(settings).counterexamples.compactMap(\.choices)
  }

  @Test("Triples of axes that share no rule are feasible if their pairs are", arguments: [1, 3])
  func triples(_ list: Int) throws {
    let resolver = AxisResolver(try space(Self.lists[list]))
    let combinations = AxisReach().combinations
    func triples(_ scopes: [UInt32]) -> BitSet {
      FeasibleCombinations(combinations, scopes: scopes) { resolver.permits($0) }.triples()
    }
    let isSame = triples(resolver.scopes) == triples([.max])
    #expect(isSame)
  }

  @Test("The constraints of choices do not depend on what is left out")
  func fingerprint() throws {
    let whole = CheckpointSpace(faultKinds: CheckpointFaultCatalogue.all.count)
    let expected = Generator<CheckpointSpec>.checkpoints(whole).fingerprint
    for supports in Self.lists {
      let found = Generator<CheckpointSpec>.checkpoints(try space(supports)).fingerprint
      #expect(found == expected, "\(supports)")
    }
  }

  @Test("Coverage asks for allowed values only and is never contradicted")
  func coverage() throws {
    for supports in [Self.lists[0], Self.lists[1]] {
      let space = try space(supports)
      var coverage = AxisCoverage(space)
      for spec in specs(space, count: 150) { coverage.add(AxisValues(spec).bytes) }
      #expect(coverage.contradictoryPairs() == [])
      #expect(coverage.singles.feasible < AxisCoverage.Count.values)
      #expect(coverage.singles.reached > coverage.singles.feasible / 2)
    }
    let factors = AxisCoverage(try space(Self.lists[1]))
    let missing = factors.missingPairs(limit: 10_000)
    #expect(!missing.contains { $0.contains("LoRA none") })
  }

  @Test("Every kind of fault but those of what is left out finds a place where much is left out")
  func faults() throws {
    let space = try space(Self.lists[0] + [AxisSelection("key prefix", ["model."])])
    let valid = specs(space, count: 60).map { FaultyCheckpoint(valid: $0) }
    let unmade = CheckpointFaultCatalogue.all.filter { kind in
      !valid.contains { checkpoint in
        var checkpoint = checkpoint
        return kind.apply(to: &checkpoint, site: 0)
      }
    }
    let others = unmade.map(\.name).filter { name in
      !["factor", "lora", "fused", "pair", "layout", "non-gated", "-own-"].contains {
        name.contains($0)
      }
    }
    #expect(others == [])
  }

  @Test("Unknown axes and labels are refused with what there is, and the space stays as it was")
  func errors() {
    func error(_ supports: [AxisSelection]) -> AxisSelectionError? {
      var space = CheckpointSpace()
      do throws(AxisSelectionError) {
        try space.restrict(to: supports)
        return nil
      } catch {
        #expect(space.allowed.isEmpty)
        return error
      }
    }
    let good = AxisSelection("LoRA", ["none"])
    #expect(error([good, AxisSelection("lorra", [])]) == .unknownAxis("lorra"))
    #expect(
      error([AxisSelection("LoRA", ["no"])]) == .unknownValue(axis: .lora, label: "no"))
    #expect(error([AxisSelection("LoRA", [])]) == .noValues(axis: .lora))
    #expect(error([good, good]) == .repeatedAxis(.lora))
    #expect("\(AxisSelectionError.unknownAxis("x"))".contains("there are experts, decoder layers"))
    let label = AxisSelectionError.unknownValue(axis: .activation, label: "swigl")
    #expect("\(label)".hasSuffix("did you mean 'swiglu' or 'swigluoai'?"))
  }

  @Test("Axes and labels are understood whatever their case and separators")
  func spelling() throws {
    var (plain, other) = (CheckpointSpace(), CheckpointSpace())
    try plain.restrict(to: [AxisSelection("MTP layers", ["0"]), AxisSelection("LoRA", ["none"])])
    try other.restrict(to: [AxisSelection("mtp_layers", ["0"]), AxisSelection("lora", ["None"])])
    #expect(plain.allowed == other.allowed)
  }

  @Test("What is left out is told by the labels of the axis")
  func leftOut() throws {
    let space = try space([
      AxisSelection("MTP policy", ["drop"]), AxisSelection("expert bias", ["f32", "bf16"]),
      AxisSelection("activation", ConfigAxis.activation.values),
    ])
    #expect(space.leftOut.map(\.axis) == ["expert bias", "MTP policy"])
    #expect(space.leftOut[1].values == ["preserve"])
  }
}

extension AxisCoverage.Count {
  /// The number of all values of all axes.
  fileprivate static var values: Int { ConfigAxis.allCases.reduce(0) { $0 + $1.values.count } }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import Adapters
internal import CheckpointGenerators
import Layouts
internal import PropertyEngine

/// Which cases a campaign has: each number stands for one checkpoint, whatever was checked before and
/// in whatever process.
struct CampaignPlan: Sendable {
  /// Checkpoints of one kind.
  struct CaseSource: Sendable {
    let phase: CampaignPhase
    /// The run that checks them, whose space they are of.
    let run: CheckRun

    /// Whether a case takes long, since it has numbers of the config.
    var isSlow: Bool { phase == .exactCounts || phase == .exactWidths }
  }

  /// A case, and where it was drawn the choices that make it in its ground's space.
  struct Case: Sendable {
    let ground: CaseSource
    let spec: CheckpointSpec
    let choices: ChoiceSequence?
  }

  let seed: UInt64
  /// The config that the campaign is around.
  let config: ModelConfig
  /// Small checkpoints around the config.
  let around: CaseSource
  /// Small checkpoints of any config.
  let any: CaseSource
  /// Checkpoints that take long.
  let slow: [CaseSource]
  /// Checkpoints around the config with pairs of values that the first random ones lack.
  private let rare: [CaseSource]

  /// One in so many cases is of any config, not around the given one.
  private static let anyEvery: UInt64 = 3
  /// One in so many cases is of a ground that takes long.
  private static let slowEvery: UInt64 = 500
  /// One in so many cases has a rare pair of values, until all of them were there.
  private static let rareEvery = 4
  /// The number of random cases that rare pairs of values are not in.
  private static let rehearsed = 600
  /// The numbers of the first cases of the grounds that take long are the multiples of this.
  private static let firstSlow = 100

  /// Creates a plan.
  ///
  /// - Parameters:
  ///   - isLong: Whether there will be enough cases for rare pairs of values to have some of their own.
  ///   - run: The laws on checkpoints of any config of the layout.
  ///   - path: Where a config is for it that is not the campaign's.
  init(
    _ config: ModelConfig, _ run: CheckRun, seed: UInt64, isLong: Bool,
    path: (ModelConfig) -> String
  ) throws(CheckError) {
    self.config = config
    self.seed = seed
    func ground(
      _ phase: CampaignPhase, _ space: CheckpointSpace, _ words: [String] = []
    ) throws(CheckError) -> CaseSource {
      let run = CheckRun(
        run.adapter, laws: run.laws, space: space, known: run.known,
        arguments: words + run.arguments)
      try run.validate()
      return CaseSource(phase: phase, run: run)
    }
    var space = CheckpointSpace(layout: config.layout)
    any = try ground(.anyConfig, space)
    space.keepRelations(of: config)
    around = try ground(.around, space)
    let scaling = ConfigScaling(config: config)
    let configs =
      scaling.exactCounts.map { (CampaignPhase.exactCounts, $0) }
      + scaling.exactWidths.map { (.exactWidths, $0) }
    let around = self.around
    rare =
      !isLong
      ? [] : Self.rare(around, seed) { (space) throws(CheckError) in try ground(.around, space) }
    // An adapter that supports no such config supports small ones with its relations all the same.
    slow = configs.compactMap { phase, config in
      try? ground(phase, CheckpointSpace(config: config), ["--config", path(config)])
    }
  }

  /// Grounds for the pairs of values that the first random cases around the config do not have. Which
  /// these are is found out by drawing those cases, so that it is the same in every process.
  private static func rare(
    _ around: CaseSource, _ seed: UInt64,
    _ ground: (CheckpointSpace) throws(CheckError) -> CaseSource
  ) -> [CaseSource] {
    var reach = AxisReach()
    func add(_ ground: CaseSource, _ number: Int) {
      if let (spec, _) = ground.run.generator.numbered(UInt64(number), seed: seed) {
        reach.add(AxisValues(spec).bytes)
      }
    }
    for number in 0..<rehearsed { add(around, number) }
    var grounds: [CaseSource] = []
    for pair in AxisCoverage(around.run.space, reach: reach).unreachedPairs {
      guard !reach.hasPair(pair) else { continue }
      var space = CheckpointSpace(layout: around.run.space.layout)
      space.allowed = around.run.space.allowed
      for (axis, value) in pair { space.allowed[axis] = [value] }
      guard let ground = try? ground(space) else { continue }
      add(ground, rareEvery * grounds.count)
      grounds.append(ground)
    }
    return grounds
  }

  /// What commands call a config that is in no file.
  static let configName = "config.json"

  /// The ground of a case.
  func ground(of number: Int) -> CaseSource {
    if !slow.isEmpty {
      if number.isMultiple(of: Self.firstSlow), (1...slow.count).contains(number / Self.firstSlow) {
        return slow[number / Self.firstSlow - 1]
      }
      let lot = scattered(UInt64(number), seed: ~seed)
      if lot % Self.slowEvery == 0 {
        return slow[Int(lot / Self.slowEvery % UInt64(slow.count))]
      }
    }
    if number.isMultiple(of: Self.rareEvery), number / Self.rareEvery < rare.count {
      return rare[number / Self.rareEvery]
    }
    return scattered(UInt64(number), seed: seed) % Self.anyEvery == 0 ? any : around
  }

  /// The case of a number or of the corpus; nil if there is none.
  func draw(_ origin: CampaignRecord.Origin) -> Case? {
    switch origin {
    case .number(let number):
      let ground = ground(of: number)
      return ground.run.generator.numbered(UInt64(number), seed: seed).map {
        Case(ground: ground, spec: $0.value, choices: $0.choices)
      }
    case .corpus(let text):
      guard let spec = any.run.spec(token: text),
        any.run.space.disallowedAxis(AxisValues(spec)) == nil
      else { return nil }
      return Case(ground: any, spec: spec, choices: nil)
    }
  }

  /// The token of a case in the space of all checkpoints; nil if it has a config of its own.
  func token(_ origin: CampaignRecord.Origin) -> String? {
    guard let drawn = draw(origin), drawn.ground.run.space.config == nil else { return nil }
    return drawn.spec.token
  }

  /// The phase of a case.
  func phase(of origin: CampaignRecord.Origin) -> CampaignPhase {
    switch origin {
    case .number(let number): ground(of: number).phase
    case .corpus: .corpus
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
public import PropertyEngine

extension Generator<CheckpointSpec> {
  /// Valid checkpoints of a space, with faults drawn for the law about invalid ones.
  ///
  /// Every checkpoint takes the same number of choices, the most important first. An empty space
  /// (`CheckpointSpace.conflict`) discards every case.
  public static func checkpoints(
    _ space: CheckpointSpace = CheckpointSpace()
  ) -> Generator<CheckpointSpec> {
    let draws = SpecDraws(space)
    return Generator { draws.spec($0) }
  }
}

extension CheckpointSpace {
  /// The choices that make a checkpoint in this space, with its faults where it has any; nil where
  /// none do, because the space or its generator does not reach it.
  ///
  /// - Complexity: O(choices), and some hundred configs to find those by.
  public func choices(of spec: CheckpointSpec) -> ChoiceSequence? {
    guard let details = SpecDetails(of: spec) else { return nil }
    let forced = SpecDraws(self, forced: AxisValues(spec), details)
    guard let made = Generator({ forced.spec($0) }).numbered(0, seed: 0) else { return nil }
    // Once more, for choices that were forced are not shrunk.
    let draws = SpecDraws(self)
    let replay = Property(Generator { draws.spec($0) }) { _, _ in .pass }.replay(made.choices)
    var found = replay.value
    if spec.faults.isEmpty { found.faults = [] }
    return found == spec ? replay.choices : nil
  }

  /// A checkpoint of this space with the values of another on all axes on which it may have them, and
  /// the rest drawn by number; nil if there is none.
  public func checkpoint(
    like values: AxisValues, number: UInt64, seed: UInt64
  ) -> (value: CheckpointSpec, choices: ChoiceSequence)? {
    let draws = SpecDraws(self, forced: values)
    return Generator { draws.spec($0) }.numbered(number, seed: seed)
  }
}

/// Draws checkpoints: a value of every axis and its detail, then all else.
private struct SpecDraws: Sendable {
  private struct Axis: Sendable {
    let axis: ConfigAxis
    let lots: [UInt8]
    let value: Constraint
    /// Nil for axes whose values leave nothing open.
    let detail: Constraint?
  }

  private let space: CheckpointSpace
  private let resolver: AxisResolver
  private let axes: [Axis]
  private let faultKind: Constraint
  /// Values that leave no choice, if there are any.
  private let forced: AxisValues?
  /// What else leaves no choice.
  private let details: SpecDetails?
  private static let byte = Constraint.integer(0...255)
  private static let size = Constraint.integer(0...6)
  private static let seed = Constraint.integer(0...65535)
  /// The first fault, the second one or both.
  private static let which = Constraint.integer(0...2)
  private static let turn = Constraint.integer(0...3)

  init(_ space: CheckpointSpace, forced: AxisValues? = nil, _ details: SpecDetails? = nil) {
    self.space = space
    self.forced = forced
    self.details = details
    resolver = AxisResolver(space)
    // What is left out gives way in the resolver, so that choices keep their meaning.
    let fixed = space.allowed.isEmpty ? resolver.fixed : AxisResolver(space.unrestricted).fixed
    axes = ConfigAxis.allCases.map { axis in
      let lots = fixed.isAssigned(axis) ? [fixed[axis]] : AxisTable.lots[Int(axis.rawValue)]
      return Axis(
        axis: axis, lots: lots, value: Constraint.integer(0...(lots.count - 1)),
        detail: Self.detail(of: axis))
    }
    faultKind = Constraint.integer(0...max(0, space.faultKinds - 1))
  }

  private static func detail(of axis: ConfigAxis) -> Constraint? {
    switch axis {
    case .experts, .decoderLayers, .densePrefix, .hiddenSize, .intermediateSize, .heads,
      .expertParallelism, .rankPosition, .loraRank, .exclusion, .contents:
      byte
    case .keyOrder: seed
    default: nil
    }
  }

  func spec(_ source: Source) -> CheckpointSpec {
    var wanted = AxisAssignment()
    var drawn = SpecDetails()
    for axis in axes {
      let lot = forced.flatMap { axis.lots.firstIndex(of: $0.assignment[axis.axis]) }
      wanted[axis.axis] = axis.lots[Int(source.draw(axis.value, forced: lot.map { UInt64($0) }))]
      if let detail = axis.detail {
        drawn[axis.axis] = number(source, detail, details?[axis.axis])
      }
    }
    drawn.vocabulary = number(source, Self.size, details?.vocabulary)
    drawn.denseIntermediateSize = number(source, Self.size, details?.denseIntermediateSize)
    drawOwn(&drawn, source)
    drawn.contentsSeed = source.draw(Self.seed, forced: details?.contentsSeed)
    drawn.variation = source.draw(Self.seed, forced: details?.variation)
    let (faults, turn) = faults(source)
    guard let values = resolver.resolve(wanted),
      let config = space.config
        ?? ConfigBuilder(layout: space.layout, values: values, details: drawn).config()
    else {
      source.discard()
      return .plainest(of: space.layout)
    }
    drawn.faults = faults
    let lora = LoRAClass.at(axisValue: values[.lora])
    if turn == 3 || turn == 1 && lora != .none, hasWholeCatalogue, let last = faults.indices.last {
      drawn.faults[last].kind = CheckpointFaultCatalogue.kind(faults[last].kind, of: lora)
    }
    return SpecBuilder(values: values, details: drawn, config: config).spec()
  }

  private func number(_ source: Source, _ constraint: Constraint, _ forced: Int?) -> Int {
    Int(truncatingIfNeeded: source.draw(constraint, forced: forced.map { UInt64($0) }))
  }

  /// Draws what only this layout has.
  private func drawOwn(_ drawn: inout SpecDetails, _ source: Source) {
    let layout = space.layout
    drawn.ownSizes = layout.ownSizes.indices.map {
      number(source, Self.size, details?.ownSizes[$0])
    }
    drawn.ownFlags = layout.ownFlags.indices.map {
      source.draw(.boolean(0.5), forced: (details?.ownFlags[$0]).map { $0 ? 1 : 0 }) == 1
    }
    let variants = layout.sizes.filter { $0.variant != nil }
    guard !variants.isEmpty else { return }
    drawn.variantLayers = number(source, Self.byte, details?.variantLayers)
    drawn.variantSizes = variants.indices.map {
      number(source, Self.size, details?.variantSizes[$0])
    }
  }

  private var hasWholeCatalogue: Bool { space.faultKinds == CheckpointFaultCatalogue.all.count }

  /// One fault or two, and whether the last should be of a kind that the checkpoint has room for and few others
  /// have: always if 3, with low-rank factors if 1.
  private func faults(_ source: Source) -> (faults: [CheckpointFault], turn: UInt64) {
    let number = hasWholeCatalogue ? source.number : nil
    let which = source.draw(
      Self.which, forced: details.map { $0.faults.count > 1 ? 2 : 0 },
      suggested: number.map { _ in 2 })
    let plain = CheckpointFault(kind: 0, site: 0)
    let faults = (0..<2).map { index in
      let fault = details.map { $0.faults.dropFirst(index).first ?? plain }
      let turn = number.map {
        CheckpointFaultCatalogue.position(inTurn: 2 * ($0 - 1) + UInt64(index))
      }
      let kind = source.draw(
        faultKind, forced: fault.map { UInt64($0.kind) }, suggested: turn.map { UInt64($0) })
      return CheckpointFault(
        kind: Int(truncatingIfNeeded: kind), site: source.draw(Self.seed, forced: fault?.site))
    }
    let turn = source.draw(Self.turn, forced: details == nil ? nil : 0)
    guard space.faultKinds > 0 else { return ([], 0) }
    return (which == 2 ? faults : [faults[Int(which)]], turn)
  }
}

extension Generator<CheckpointSpec> {
  /// Plain checkpoints of evenly distributed sizes, to compare the speed of tools on the same work:
  /// 1 to 16 experts, hidden size 1 to 32, MoE intermediate size 1 to 16, 1 to 4 layers, of which up
  /// to 2 are dense, and 0 to 2 MTP layers; random bfloat16.
  public static var published: Generator<CheckpointSpec> {
    Generator { source in
      func draw(_ range: ClosedRange<Int>) -> Int {
        Int(truncatingIfNeeded: source.draw(.integer(range, towards: range.lowerBound)))
      }
      let experts = draw(1...16)
      let layers = draw(1...4)
      let dense = min(draw(0...2), layers)
      let mtpLayers = draw(0...2)
      let hidden = draw(1...32)
      let intermediate = draw(1...16)
      let seed = source.draw(.integer(0...65535))
      let config = try? ModelConfig(
        vocabularySize: 16, hiddenSize: hidden, denseIntermediateSize: 8,
        moeIntermediateSize: intermediate, expertCount: experts,
        layerKinds: (0..<layers).map { $0 < dense ? .dense : .sparse }, mtpLayerCount: mtpLayers,
        attentionHeadCount: 2, keyValueHeadCount: 1, headSize: 4)
      guard let config else { return .plainest }
      return CheckpointSpec(
        AdapterSetup(config, AdapterOptions(mtpPolicy: .preserve)),
        contents: TensorContents(.random, seed: seed))
    }
  }
}

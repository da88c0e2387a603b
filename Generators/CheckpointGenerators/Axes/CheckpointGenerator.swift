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
  /// The choices of the whole space for the checkpoint that some choices make in this one.
  ///
  /// Choices for values that are not allowed become those for the values that took their place, so
  /// that one token names a checkpoint whatever an adapter supports.
  ///
  /// - Parameter choices: Those of a checkpoint of this space.
  public func settled(_ choices: ChoiceSequence) -> ChoiceSequence {
    guard !allowed.isEmpty || !hasFaultPairs else { return choices }
    func replay(_ draws: SpecDraws, _ choices: ChoiceSequence) -> Property<CheckpointSpec>.Replay {
      Property(Generator { draws.spec($0) }) { _, _ in .pass }.replay(choices)
    }
    let values = AxisValues(replay(SpecDraws(self), choices).value)
    let forced = replay(SpecDraws(self, forced: values), choices).choices
    return replay(SpecDraws(unrestricted), forced).choices
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
  private static let byte = Constraint.integer(0...255)
  private static let size = Constraint.integer(0...6)
  private static let seed = Constraint.integer(0...65535)

  init(_ space: CheckpointSpace, forced: AxisValues? = nil) {
    self.space = space
    self.forced = forced
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
    var details = SpecDetails()
    for axis in axes {
      let lot = forced.flatMap { axis.lots.firstIndex(of: $0.assignment[axis.axis]) }
      wanted[axis.axis] = axis.lots[Int(source.draw(axis.value, forced: lot.map { UInt64($0) }))]
      if let detail = axis.detail {
        details[axis.axis] = Int(truncatingIfNeeded: source.draw(detail))
      }
    }
    details.vocabulary = Int(truncatingIfNeeded: source.draw(Self.size))
    details.denseIntermediateSize = Int(truncatingIfNeeded: source.draw(Self.size))
    drawOwn(&details, source)
    details.contentsSeed = source.draw(Self.seed)
    details.variation = source.draw(Self.seed)
    let drawn = faults(source)
    guard let values = resolver.resolve(wanted),
      let config = space.config
        ?? ConfigBuilder(layout: space.layout, values: values, details: details).config()
    else {
      source.discard()
      return .plainest(of: space.layout)
    }
    details.faults = drawn.faults
    if drawn.isOfWhatIsThere, space.faultKinds == CheckpointFaultCatalogue.all.count {
      let lora = LoRAClass.at(axisValue: values[.lora])
      details.faults[0].kind = CheckpointFaultCatalogue.kind(drawn.faults[0].kind, of: lora)
    }
    return SpecBuilder(values: values, details: details, config: config).spec()
  }

  /// Draws what only this layout has.
  private func drawOwn(_ details: inout SpecDetails, _ source: Source) {
    let layout = space.layout
    details.ownSizes = layout.ownSizes.map { _ in
      Int(truncatingIfNeeded: source.draw(Self.size))
    }
    details.ownFlags = layout.ownFlags.map { _ in source.draw(.boolean(0.5)) == 1 }
    let variants = layout.sizes.filter { $0.variant != nil }
    guard !variants.isEmpty else { return }
    details.variantLayers = Int(truncatingIfNeeded: source.draw(Self.byte))
    details.variantSizes = variants.map { _ in Int(truncatingIfNeeded: source.draw(Self.size)) }
  }

  /// One fault or two, and whether the only one should be of a kind that the checkpoint has room for and
  /// few others have; what would be the second fault decides about that.
  private func faults(_ source: Source) -> (faults: [CheckpointFault], isOfWhatIsThere: Bool) {
    let coin = source.draw(.boolean(0.25), forced: forced == nil || space.hasFaultPairs ? nil : 0)
    let isDouble = coin == 1 && space.hasFaultPairs
    let faults = (0..<2).map { _ in
      CheckpointFault(
        kind: Int(truncatingIfNeeded: source.draw(faultKind)), site: source.draw(Self.seed))
    }
    guard space.faultKinds > 0 else { return ([], false) }
    return isDouble ? (faults, false) : ([faults[0]], faults[1].kind % 2 == 1)
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

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// All ways in which generated checkpoints are made invalid, the plainest first.
///
/// A refusal of any of them must name every key that ``FaultyCheckpoint/offences`` lists.
public enum CheckpointFaultCatalogue {
  /// The kinds, by whose positions ``CheckpointFault`` names them.
  public static let all: [CheckpointFaultKind] =
    missingTensors + missingExperts + surplusTensors + foreignLayouts + wrongNumbers + wrongNames
    + wrongShapes + wrongTypes + wrongSizesOfConfig + wrongCountsOfConfig + loraFactors
    + paramWrapperFactors + nativeExperts + nativeOthers + nativeFactors + ownFactsOfConfig

  /// One of the kinds that few checkpoints have room for: with low-rank factors those about factors,
  /// and without them those about another config.
  ///
  /// - Parameter number: Chooses one.
  /// - Returns: Its position among all.
  static func kind(_ number: Int, of lora: LoRAClass) -> Int {
    let positions =
      switch lora {
      case .none: ofConfig
      case .perExpert: ofFactors
      case .paramWrapper, .legacyParamWrapper: ofFusedFactors
      }
    return positions[number % positions.count]
  }

  private static let ofConfig = positions(of: wrongSizesOfConfig + wrongCountsOfConfig)
  private static let ofFactors = positions(of: loraFactors)
  private static let ofFusedFactors = positions(of: paramWrapperFactors)

  private static func positions(of kinds: [CheckpointFaultKind]) -> [Int] {
    kinds.compactMap { position(of: $0.name) }
  }

  /// The position of the kind whose turn it is in a run: every eighth at first, so that kinds of all sorts come
  /// early, and each before any comes again.
  static func position(inTurn turn: UInt64) -> Int { walk[Int(turn % UInt64(walk.count))] }

  private static let walk = (0..<8).flatMap { Array(stride(from: $0, to: all.count, by: 8)) }

  /// The positions of so many kinds, beginning with one; those that follow are not its neighbours,
  /// which ask for much the same of a checkpoint, but about three eighths of all kinds away.
  static func order(of count: Int, from position: Int) -> some Sequence<Int> {
    let step = (1...count).first { $0 * 8 >= count * 3 && greatestCommonDivisor($0, count) == 1 }
    return (0..<count).lazy.map { (position + $0 * (step ?? 1)) % count }
  }

  private static func greatestCommonDivisor(_ one: Int, _ other: Int) -> Int {
    other == 0 ? one : greatestCommonDivisor(other, one % other)
  }

  /// The position of a name, or nil.
  public static func position(of name: String) -> Int? {
    all.firstIndex { $0.name == name }
  }
}

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
    + paramWrapperFactors + nativeExperts + nativeOthers + nativeFactors

  /// All kinds, beginning with the one at a position; those that follow are not its neighbours, which
  /// ask for much the same of a checkpoint.
  static func kinds(from position: Int) -> some Sequence<CheckpointFaultKind> {
    (0..<all.count).lazy.map { all[(position + $0 * step) % all.count] }
  }

  /// About three eighths of the kinds, without a divisor in common with their number.
  private static let step = (1...all.count).first { step in
    step * 8 >= all.count * 3 && greatestCommonDivisor(step, all.count) == 1
  } ?? 1

  private static func greatestCommonDivisor(_ one: Int, _ other: Int) -> Int {
    other == 0 ? one : greatestCommonDivisor(other, one % other)
  }

  /// The position of a name, or nil.
  public static func position(of name: String) -> Int? {
    all.firstIndex { $0.name == name }
  }
}

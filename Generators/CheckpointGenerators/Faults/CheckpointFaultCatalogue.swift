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

  /// The position of a name, or nil.
  public static func position(of name: String) -> Int? {
    all.firstIndex { $0.name == name }
  }
}

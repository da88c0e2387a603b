// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

extension Diagnosis.Fault {
  /// A stable name for machines, without parameters.
  public var identifier: String {
    // Swift spells a case with parameters as `name(…)`.
    let spelling =
      switch self {
      case .value(let fault): "value.\(fault)"
      default: "\(self)"
      }
    return String(spelling.prefix { $0 != "(" })
  }

  /// Whether the fault only says that elements are not the right ones.
  var isVague: Bool {
    switch self {
    case .rearranged, .foreignElements: true
    default: false
    }
  }

  /// Whether the fault only says that something is not right.
  var saysNothing: Bool {
    switch self {
    case .value(.changed), .unexplained: true
    default: isVague
    }
  }

  /// Whether every value is computed with in the same way.
  var isArithmetic: Bool {
    switch self {
    case .value(.added), .value(.scaled): true
    default: false
    }
  }

  /// Whether the fault says what an adapter does wrong, not only what comes of it.
  var isTelling: Bool {
    if case .value(.changed) = self { return false }
    return Draft(self).rank <= 1
  }

  /// Whether elements are in wrong places, which hides what happens to values.
  var isOfElements: Bool {
    switch self {
    case .cast, .notCast, .halvesExchanged, .halvesInterleaved, .halvesShifted, .notTransposed,
      .transposed, .reshapedInsteadOfTransposed, .axesPermuted, .axisOrder, .projectionMissing,
      .rearranged, .zeros, .constant,
      .foreignElements, .expertOrder, .expertOverwritten, .expertsMissing, .expertsSurplus,
      .rankRangeShifted, .rankIgnored, .layersMerged, .layerOrder, .classesExchanged,
      .classReplaced, .wrongShape:
      true
    default: false
    }
  }
}

extension Draft {
  /// Smaller for what tells more.
  var rank: Int {
    switch fault {
    case .inputChanged, .aliased, .notRepeatable, .dependsOnEarlierCalls, .misbehaved,
      .invalidInput:
      0
    case .halvesExchanged, .halvesInterleaved, .halvesShifted, .notTransposed,
      .transposed, .projectionMissing, .reshapedInsteadOfTransposed, .axesPermuted, .expertOrder,
      .expertsMissing, .rankIgnored,
      .expertsSurplus, .rankRangeShifted, .localExpertNumbers, .layersMerged, .layerOrder,
      .classesExchanged, .mtpKept, .mtpDropped, .mtpKeyMisjudged, .exclusionIgnored,
      .exclusionTestsNativeName, .exclusionTestsBothNames, .exclusionSearchesAnywhere,
      .exclusionMatchesWholeKey, .exclusionInverted, .notRenamed, .notGrouped, .notSplit, .cast,
      .notCast, .value,
      .axisOrder, .renamedWrongly, .wrongPrefix:
      1
    case .expertOverwritten, .classReplaced, .zeros, .constant, .keysDropped,
      .keysRepeated, .exclusionKeeps, .exclusionRemoves, .wrongShape:
      2
    case .keysSurplus, .keyOrder: 3
    case .rearranged, .foreignElements: 4
    case .refused, .unexplained: 5
    }
  }
}

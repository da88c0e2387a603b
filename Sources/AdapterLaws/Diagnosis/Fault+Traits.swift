// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

extension Diagnosis.Fault {
  /// What a fault is, whatever tensors show it.
  struct Traits {
    /// Smaller for what tells more.
    var rank = 1
    /// Whether elements are in wrong places, which hides what happens to values.
    var isOfElements = false
    /// Whether the sentence says which conversions have the fault.
    var hasDirection = true
    /// Whether the sentence says which layers and experts are concerned.
    var hasPlaces = true
  }

  /// The traits, of which those left out are as most faults have them.
  var traits: Traits {
    switch self {
    case .inputChanged: Traits(rank: 0, hasDirection: false)
    case .notRepeatable, .dependsOnEarlierCalls, .dependsOnOrder, .misbehaved: Traits(rank: 0)
    case .notRenamed, .renamedWrongly, .notGrouped, .notSplit, .value: Traits()
    case .halvesExchanged, .halvesInterleaved, .halvesShifted, .notTransposed, .transposed,
      .reshapedInsteadOfTransposed, .axesPermuted, .axisOrder, .projectionMissing, .expertOrder,
      .expertsMissing, .expertsSurplus, .layersMerged, .layerOrder, .classesExchanged, .cast,
      .notCast:
      Traits(isOfElements: true)
    case .rankRangeShifted, .rankIgnored: Traits(isOfElements: true, hasDirection: false)
    case .localExpertNumbers: Traits(hasDirection: false)
    case .wrongPrefix: Traits(hasPlaces: false)
    case .mtpKept, .mtpDropped, .mtpKeyMisjudged, .exclusionIgnored, .exclusionTestsNativeName,
      .exclusionTestsBothNames, .exclusionSearchesAnywhere, .exclusionMatchesWholeKey,
      .exclusionInverted:
      Traits(hasDirection: false, hasPlaces: false)
    case .expertOverwritten, .classReplaced, .zeros, .constant, .wrongShape:
      Traits(rank: 2, isOfElements: true)
    case .keysDropped: Traits(rank: 2)
    case .keysRepeated: Traits(rank: 2, hasPlaces: false)
    case .exclusionKeeps, .exclusionRemoves:
      Traits(rank: 2, hasDirection: false, hasPlaces: false)
    case .keysSurplus: Traits(rank: 3, hasPlaces: false)
    case .keyOrder: Traits(rank: 3)
    case .rearranged: Traits(rank: 4, isOfElements: true, hasPlaces: false)
    case .foreignElements: Traits(rank: 4, isOfElements: true)
    case .refused: Traits(rank: 5)
    case .unexplained: Traits(rank: 5, hasDirection: false)
    }
  }

  /// A stable name for machines, without parameters.
  public var identifier: String {
    // Swift spells a case with parameters as `name(…)`.
    let spelling =
      switch self {
      case .value(let fault): "value.\(fault)"
      case .misbehaved(let kind): "misbehaved.\(kind)"
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
  public var isTelling: Bool { !saysNothing && traits.rank <= 1 }

  /// The same without examples, which differ from place to place.
  var grouped: Self {
    switch self {
    case .rearranged: .rearranged(example: "")
    case .value(.changed): .value(.changed(example: ""))
    case .wrongShape: .wrongShape(expected: "", found: "")
    case .refused: .refused("")
    default: self
    }
  }

  /// Whether the fault has one sentence, whatever tensors show it.
  var concernsAll: Bool {
    if case .rearranged = self { return false }
    return !traits.hasPlaces
  }
}

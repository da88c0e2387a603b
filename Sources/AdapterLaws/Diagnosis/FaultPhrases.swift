// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

extension DType {
  /// The name that frameworks use.
  var words: String {
    switch self {
    case .bf16: "bfloat16"
    case .f16: "float16"
    case .f32: "float32"
    case .f64: "float64"
    case .f8E4M3: "float8_e4m3fn"
    case .f8E5M2: "float8_e5m2"
    default: rawValue
    }
  }
}

extension Diagnosis.KeyArrangement {
  var phrase: String {
    switch self {
    case .sorted: "sorted by name"
    case .reversed: "in reverse order"
    case .schema: "in the order of the model instead of the order of arrival"
    case .groupsAtFirstMember:
      "with grouped tensors where the first of their experts stood instead of the last"
    case .groupsBehindAll: "with grouped tensors behind all others"
    case .groupsBeforeAll: "with grouped tensors before all others"
    case .other(let first): "in another order, '\(first)' first of those out of place"
    }
  }
}

extension Diagnosis.ValueFault {
  func phrase(_ subject: String, be: String) -> String {
    switch self {
    case .negativeZeroLost: "-0.0 became +0.0 in \(subject)"
    case .nanPayloadLost: "NaNs lost their payload in \(subject)"
    case .nanSignLost: "NaNs lost their sign in \(subject)"
    case .nanPayloadAndSignLost: "NaNs lost payload and sign in \(subject)"
    case .nanQuieted: "signalling NaNs were quieted in \(subject)"
    case .nanReplaced: "NaNs became numbers in \(subject)"
    case .subnormalsFlushed: "subnormal numbers were flushed to zero in \(subject)"
    case .infinitiesSaturated: "infinities became finite in \(subject)"
    case .roundedTowardZero:
      "\(subject) \(be) rounded toward zero instead of to nearest even"
    case .roundedHalfAwayFromZero:
      "\(subject) \(be) rounded half away from zero instead of half to even"
    case .roundedHalfUp: "\(subject) \(be) rounded half up instead of half to even"
    case .castThrough(let narrow): "\(subject) went through \(narrow.words)"
    case .clipped(let limit): "\(subject) \(be) clipped at 0x\(String(limit, radix: 16))"
    case .bitFlipped(let bit): "bit \(bit) of \(subject) \(be) flipped"
    case .added(let number): "\(number) was added to \(subject)"
    case .scaled(let factor): "\(subject) \(be) multiplied by \(factor)"
    case .bytesSwapped: "the bytes of each element of \(subject) are swapped"
    case .changed: "values of \(subject) changed"
    }
  }
}

extension Diagnosis.Fault {
  /// Whether the sentence says which conversions have the fault.
  var hasDirection: Bool {
    switch self {
    case .mtpKept, .mtpDropped, .mtpKeyMisjudged, .inputChanged, .unexplained,
      .rankRangeShifted, .rankIgnored, .localExpertNumbers:
      false
    default: !isOfExclusion
    }
  }

  /// Whether the sentence says which layers and experts are concerned.
  var hasPlaces: Bool {
    switch self {
    case .mtpKept, .mtpDropped, .mtpKeyMisjudged, .keysSurplus, .keysRepeated, .rearranged,
      .wrongPrefix:
      false
    default: !isOfExclusion
    }
  }

  /// Whether the fault is about the keys that a pattern leaves out.
  private var isOfExclusion: Bool { identifier.hasPrefix("exclusion") }

  /// Where in an adapter the fault usually is.
  var hint: String? {
    switch self {
    case .halvesExchanged: "look at the order of the two in cat and in chunk"
    case .halvesInterleaved: "look for [..., ::2] where halves are meant"
    case .notTransposed(true): "look for a transpose that depends on the shape"
    case .reshapedInsteadOfTransposed: "look for view or reshape in the place of a transpose"
    case .expertOrder(.lexicographic), .layerOrder(.lexicographic):
      "look for numbers sorted as strings"
    case .expertOrder(.arrival): "look for experts appended as keys arrive"
    case .expertOrder(.copies): "look for a key or a buffer without the expert's number"
    case .layersMerged: "look for a pattern that reads one digit"
    case .rankRangeShifted: "look at how a rank's range is computed"
    case .rankIgnored: "look for a rank that is not handed on"
    case .localExpertNumbers: "look for the rank's offset when keys are written"
    case .mtpKeyMisjudged(_, isOfModel: false): "look at what a key must begin with"
    case .mtpKept, .mtpKeyMisjudged: "look at the comparison with num_hidden_layers"
    case .mtpDropped: "look for a filter that ignores the policy"
    case .exclusionTestsNativeName, .exclusionTestsBothNames:
      "look at whether the test stands before the renames"
    case .exclusionSearchesAnywhere: "look for re.search in the place of re.match"
    case .exclusionMatchesWholeKey: "look for re.fullmatch in the place of re.match"
    case .exclusionInverted: "look at which of the two filter keeps"
    case .dependsOnEarlierCalls: "look for results, buffers or marks kept between calls"
    case .cast: "look for a cast of the whole state dict"
    case .value(.negativeZeroLost): "look for arithmetic such as adding zero"
    case .value(.castThrough): "look for an intermediate type"
    case .zeros: "look for a buffer that is never written"
    default: nil
    }
  }
}

extension Diagnosis.Fault {
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
  public var isTelling: Bool {
    if case .value(.changed) = self { return false }
    return rank <= 1
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

  /// Smaller for what tells more.
  var rank: Int {
    switch self {
    case .inputChanged, .notRepeatable, .dependsOnEarlierCalls, .misbehaved:
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

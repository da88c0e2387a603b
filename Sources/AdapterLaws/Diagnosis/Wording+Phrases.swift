// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

extension Wording {
  /// What is wrong before directions and places, what comes after them, and where in an adapter the fault
  /// usually is.
  struct Phrase {
    let clause: String
    var detail: String?
    var hint: String?

    init(_ clause: String, detail: String? = nil, hint: String? = nil) {
      (self.clause, self.detail, self.hint) = (clause, detail, hint)
    }
  }

  /// The phrase of each fault.
  var phrase: Phrase {
    switch draft.fault {
    // Elements.
    case .halvesExchanged:
      Phrase(
        "gate and up halves are swapped", hint: "look at the order of the two in cat and in chunk")
    case .halvesInterleaved:
      Phrase(
        words.count > 1
          ? "rows of \(subject) alternate in the fused tensor"
          : "gate and up alternate in \(subject) where halves are meant, or the other way round",
        hint: "look for [..., ::2] where halves are meant")
    case .halvesShifted(let shift):
      Phrase("gate and up, one after the other, are shifted by \(Self.count(shift, "row"))")
    case .notTransposed(let isSquare):
      Phrase(
        "\(subject) \(be) not transposed\(square(isSquare))",
        hint: isSquare ? "look for a transpose that depends on the shape" : nil)
    case .transposed(let isSquare): Phrase("\(subject) \(be) transposed\(square(isSquare))")
    case .reshapedInsteadOfTransposed:
      Phrase(
        "\(subject) \(be) reshaped instead of transposed",
        hint: "look for view or reshape in the place of a transpose")
    case .axesPermuted(let axes):
      Phrase("\(subject) \(verb("has", "have")) axes in the order \(axes)")
    case .axisOrder(let axis, let order): phrase(axis, order)
    case .rearranged(let example):
      Phrase(
        "\(subject) \(be) rearranged", detail: example,
        hint: draft.kinds.contains(where: \.isFactor) && isParamWrapper
          ? "look at the order of experts and ranks" : nil)
    case .zeros(let isPartly):
      Phrase(
        "\(subject) \(be) \(isPartly ? "partly" : "all") zeros",
        hint: "look for a buffer that is never written")
    case .constant(let bits):
      Phrase("\(subject) \(be) the constant 0x\(String(bits, radix: 16))")
    case .foreignElements(let isPartly):
      Phrase(
        "\(subject) \(verb("has", "have")) \(isPartly ? "some elements" : "nothing but elements") "
          + "that no tensor of the checkpoint holds")
    case .projectionMissing: Phrase("\(subject) \(be) missing from the grouped tensor")
    case .classesExchanged(let one, let other): Phrase("\(one) and \(other) are exchanged")
    case .classReplaced(let other):
      Phrase("\(subject) \(verb("holds", "hold")) the elements of \(other)")
    // Experts, ranks and layers.
    case .expertOrder(let order): phrase(order)
    case .expertOverwritten(let expert, let by):
      Phrase(
        "\(ofExperts)expert \(expert) is overwritten by expert \(by)", hint: rangeOfExperts)
    case .expertsMissing(let experts):
      Phrase(missingClause(experts, own), hint: rangeOrRemainder)
    case .expertsSurplus(let experts):
      Phrase(
        "\(Self.list("expert", experts)) \(experts.count == 1 ? "is" : "are") there "
          + (experts.allSatisfy { own.contains($0) }
            ? "twice" : "beyond the rank's \(Self.experts(own))"),
        hint: rangeOrRemainder)
    case .rankRangeShifted(let by):
      Phrase(
        "the range of experts is shifted by \(by)",
        detail: "\(Self.experts(own.lowerBound + by..<own.upperBound + by)) instead of "
          + Self.range(own), hint: Self.rangeHint)
    case .rankIgnored:
      Phrase(
        "all \(spec.config.expertCount) experts are kept instead of \(Self.experts(own))",
        hint: "look for a rank that is not handed on")
    case .localExpertNumbers:
      Phrase(
        "experts are numbered from 0 on disk instead of from \(own.lowerBound)",
        hint: "look for the rank's offset when keys are written")
    case .layersMerged(let layers, let onto):
      Phrase(
        "\(Self.list("layer", layers)) landed on layer \(onto)",
        hint: "look for a pattern that reads one digit")
    case .layerOrder(let order):
      Phrase(
        "layers are \(order.phrase("layer", storedLayers))",
        detail: order.detail("layer", storedLayers, isReading: isReading),
        hint: order == .lexicographic ? Self.sortedHint : nil)
    // Keys.
    case .notRenamed: Phrase("\(subject) \(verb("keeps its", "keep their")) \(side)")
    case .renamedWrongly(let name): Phrase("\(subject) \(verb("comes", "come")) out as '\(name)'")
    case .wrongPrefix(let prefix, let expected):
      Phrase("keys come out with the prefix '\(prefix)' instead of '\(expected)'")
    case .notGrouped: Phrase("\(subject) of experts are not grouped")
    case .notSplit: Phrase("grouped experts (\(subject)) are not split")
    case .keysDropped: Phrase("\(subject) \(be) lost", hint: rangeOfExperts)
    case .keysSurplus:
      Phrase("surplus \(draft.tensors.count == 1 ? "key" : "keys") \(keys)", hint: rangeOfExperts)
    case .keysRepeated:
      Phrase("\(keys) \(draft.tensors.count == 1 ? "comes" : "come") out more than once")
    case .mtpKept(let part):
      Phrase("\(mtpClause(part)) kept under policy drop", hint: Self.layerCountHint)
    case .mtpDropped(let part):
      Phrase(
        "\(mtpClause(part)) dropped under policy preserve",
        hint: "look for a filter that ignores the policy")
    case .mtpKeyMisjudged(let isMTP, let form): phrase(isMTP: isMTP, form)
    case .keyOrder(let arrangement): Phrase("keys come out \(arrangement.phrase)")
    // Exclusion.
    case .exclusionIgnored: Phrase("the exclusion pattern is ignored")
    case .exclusionTestsNativeName:
      Phrase(
        "exclusion tests the native name instead of the name on disk", hint: Self.renamesHint)
    case .exclusionTestsBothNames:
      Phrase("exclusion tests the native name beside the name on disk", hint: Self.renamesHint)
    case .exclusionSearchesAnywhere:
      Phrase(
        "the exclusion pattern is searched anywhere in a key instead of matched at its start",
        hint: "look for re.search in the place of re.match")
    case .exclusionMatchesWholeKey:
      Phrase(
        "the exclusion pattern must match a whole key instead of its start",
        hint: "look for re.fullmatch in the place of re.match")
    case .exclusionInverted:
      Phrase(
        "only what the exclusion pattern matches is saved",
        hint: "look at which of the two filter keeps")
    case .exclusionKeeps: Phrase("\(subject) \(be) kept though the exclusion pattern matches")
    case .exclusionRemoves:
      Phrase("\(subject) \(be) removed though the exclusion pattern does not match")
    // Types and shapes.
    case .cast(let from, let to):
      Phrase(castClause(from, to), hint: "look for a cast of the whole state dict")
    case .notCast(let to):
      Phrase("\(subject) \(verb("was", "were")) not cast to \(ModelConfig.name(of: to))")
    case .wrongShape(let expected, let found):
      Phrase("\(subject) \(verb("comes", "come")) out in shape \(found) instead of \(expected)")
    // Behaviour and values.
    case .refused(let reason):
      Phrase("a valid checkpoint is refused", detail: Self.beginning(of: reason))
    case .notRepeatable:
      Phrase("the same conversion gives other keys or shapes when it is run again")
    case .dependsOnEarlierCalls:
      Phrase(
        "the result depends on what the adapter did in earlier calls",
        hint: "look for results, buffers or marks kept between calls")
    case .dependsOnOrder:
      Phrase(
        "the result depends on which tensors came before",
        hint: "look for what is kept from one tensor for the next")
    case .inputChanged: Phrase("\(function) changes the caller's tensors")
    case .value(let fault): phrase(fault)
    case .misbehaved: Phrase(draft.fault.identifier)
    case .unexplained(let summary):
      Phrase(
        places == nil
          ? summary : "elements of any value go where they belong, and yet: \(summary)")
    }
  }

  private static let rangeHint = "look at how a rank's range is computed"
  private static let sortedHint = "look for numbers sorted as strings"
  private static let layerCountHint = "look at the comparison with num_hidden_layers"
  private static let renamesHint = "look at whether the pattern is tested before the renames"

  /// The hint at a rank's range where nothing but experts is concerned.
  private var rangeOfExperts: String? {
    let isOfExperts = draft.tensors.allSatisfy {
      TensorSubject($0, spec.config.layout).isOfExperts
    }
    return draft.parallelism != nil && isOfExperts ? Self.rangeHint : nil
  }

  /// The hint at what ranks get, where a rank is concerned.
  private var rangeOrRemainder: String? {
    guard let size = draft.parallelism?.size else { return nil }
    let experts = Self.count(spec.config.expertCount, "expert")
    return spec.config.expertCount.isMultiple(of: size)
      ? Self.rangeHint : "look at which ranks get the remainder of \(experts) over \(size) ranks"
  }

  private func phrase(_ axis: Diagnosis.Axis, _ order: NumberOrder) -> Phrase {
    if case .rotated(let by) = order {
      return Phrase("\(axis.rawValue) of \(subject) are shifted by \(by) around the end")
    }
    let noun = String(axis.rawValue.dropLast())
    return Phrase(
      "\(axis.rawValue) of \(subject) are \(order.phrase(noun, []))",
      detail: order.detail(noun, [], isReading: isReading))
  }

  private func phrase(_ order: NumberOrder) -> Phrase {
    let places = Array(own)
    var clause = "\(ofExperts)experts are \(order.phrase("expert", places))"
    var hint: String?
    switch order {
    case .copies(let expert):
      clause = "\(ofExperts)every expert is a copy of expert \(expert)"
      hint = "look for a key or a buffer without the expert's number"
    case .lexicographic: hint = Self.sortedHint
    case .arrival: hint = "look for experts appended as keys arrive"
    default: break
    }
    return Phrase(
      clause, detail: order.detail("expert", places, isReading: isReading), hint: hint)
  }

  private func phrase(isMTP: Bool, _ form: Diagnosis.MTPKeyForm) -> Phrase {
    let layers =
      draft.layers.isEmpty
      ? "outside all layers" : "of " + Self.list(isMTP ? "layer" : "MTP layer", draft.layers)
    let (keys, hint) =
      switch form {
      case .plain: ("keys \(layers)", Self.layerCountHint)
      case .prefix:
        ("keys \(layers) under one prefix and not another", "look at what a key may begin with")
      case .otherModule: ("keys \(layers) of other modules", "look at what a key must begin with")
      case .noNumber: ("keys without a layer's number", "look at how the number is read")
      case .leadingZeros: ("layer numbers with leading zeros", "look at how the number is read")
      case .twoNumbers: ("keys with two layer numbers", "look at which of them is read")
      }
    let example = form == .plain ? nil : draft.tensors.first.map { ", such as '\($0)'" }
    return Phrase(
      "isMTPKey says \(isMTP ? "yes" : "no") to \(keys)\(example ?? "")", hint: hint)
  }

  private func phrase(_ fault: Diagnosis.ValueFault) -> Phrase {
    switch fault {
    case .negativeZeroLost:
      Phrase(
        "-0.0 became +0.0 in \(subject)", hint: "look for arithmetic such as adding zero")
    case .nanPayloadLost: Phrase("NaNs lost their payload in \(subject)")
    case .nanSignLost: Phrase("NaNs lost their sign in \(subject)")
    case .nanPayloadAndSignLost: Phrase("NaNs lost payload and sign in \(subject)")
    case .nanQuieted: Phrase("signalling NaNs were quieted in \(subject)")
    case .nanReplaced: Phrase("NaNs became numbers in \(subject)")
    case .subnormalsFlushed: Phrase("subnormal numbers were flushed to zero in \(subject)")
    case .infinitiesSaturated: Phrase("infinities became finite in \(subject)")
    case .roundedTowardZero:
      Phrase("\(subject) \(be) rounded toward zero instead of to nearest even")
    case .roundedHalfAwayFromZero:
      Phrase("\(subject) \(be) rounded half away from zero instead of half to even")
    case .roundedHalfUp: Phrase("\(subject) \(be) rounded half up instead of half to even")
    case .castThrough(let narrow):
      Phrase(
        "\(subject) went through \(ModelConfig.name(of: narrow))",
        hint: "look for an intermediate type")
    case .clipped(let limit): Phrase("\(subject) \(be) clipped at 0x\(String(limit, radix: 16))")
    case .bitFlipped(let bit): Phrase("bit \(bit) of \(subject) \(be) flipped")
    case .added(let number): Phrase("\(number) was added to \(subject)")
    case .scaled(let factor): Phrase("\(subject) \(be) multiplied by \(factor)")
    case .bytesSwapped: Phrase("the bytes of each element of \(subject) are swapped")
    case .changed(let example): Phrase("values of \(subject) changed", detail: example)
    }
  }
}

extension Diagnosis.KeyArrangement {
  fileprivate var phrase: String {
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

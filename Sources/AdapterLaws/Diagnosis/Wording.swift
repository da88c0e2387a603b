// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Puts a fault into words.
struct Wording {
  private let draft: Draft
  private let spec: CheckpointSpec
  private let context: DiagnosisContext?

  init(_ draft: Draft, _ spec: CheckpointSpec, _ context: DiagnosisContext?) {
    self.draft = draft
    self.spec = spec
    self.context = context
  }

  /// The cause with its sentence.
  var finding: Diagnosis.Finding {
    Diagnosis.Finding(
      code: .init(draft.fault, draft.direction), classes: words, layers: draft.layers,
      experts: draft.experts, tensors: draft.tensors, sentence: sentence)
  }

  private var sentence: String {
    var result = clause
    let isStreaming = draft.direction == .streaming
    let parts = [direction, places]
    for part in isStreaming ? parts.reversed() : parts where !part.isEmpty { result += " " + part }
    if let detail { result += ": \(detail)" }
    if let hint { result += "; \(hint)" }
    return result
  }

  private var direction: String {
    guard draft.fault.hasDirection || draft.direction == .streaming else { return "" }
    return switch draft.direction {
    case .fromHF: draft.isOnly ? "from HF only" : "from HF"
    case .toHF: draft.isOnly ? "to HF only" : "to HF"
    case .both: "in both directions"
    case .streaming: "when tensors are converted one at a time"
    case .none: ""
    }
  }

  private var places: String {
    var parts: [String] = []
    if draft.fault.hasPlaces, !draft.experts.isEmpty {
      parts.append("of " + Self.list("expert", draft.experts))
    }
    if draft.fault.hasPlaces, !draft.isEverywhere, !draft.layers.isEmpty {
      parts.append(layers)
    }
    if let rank = draft.parallelism {
      parts.append("on rank \(rank.rank) of \(rank.size)")
    }
    return parts.joined(separator: " ")
  }

  private var layers: String {
    let all = context?.layers(of: draft.kinds) ?? []
    let mtp = context?.mtpLayers ?? []
    let decoder = all.filter { !mtp.contains($0) }
    let word = draft.kinds.allSatisfy { isSparseOnly($0) } && !draft.kinds.isEmpty ? "sparse " : ""
    if draft.layers.count > 1 {
      if draft.layers == all { return "in every \(word)layer" }
      if draft.layers == decoder { return "in every \(word)layer but no MTP layer" }
    }
    if !draft.layers.isEmpty, draft.layers.allSatisfy({ mtp.contains($0) }) {
      return "in " + Self.list("MTP layer", draft.layers)
    }
    return "in " + Self.list("layer", draft.layers)
  }

  private func isSparseOnly(_ kind: TensorKind) -> Bool {
    kind.layers?.contains(.dense) == false
      && (context?.layers(of: [kind]) ?? []).allSatisfy { spec.config.isSparse(layer: $0) }
  }

  /// What comes after the places.
  private var detail: String? {
    let places = Array(own)
    switch draft.fault {
    case .rearranged(let example), .value(.changed(let example)): return example
    case .refused(let reason): return Self.beginning(of: reason)
    case .expertOrder(let order): return order.detail("expert", places, isReading: isReading)
    case .layerOrder(let order): return order.detail("layer", storedLayers, isReading: isReading)
    case .axisOrder(let axis, let order):
      if case .rotated = order { return nil }
      return order.detail(String(axis.rawValue.dropLast()), [], isReading: isReading)
    case .rankRangeShifted(let by):
      let found = own.lowerBound + by..<own.upperBound + by
      return "\(Self.experts(found)) instead of \(Self.range(own))"
    default: return nil
    }
  }

  /// The first line of a list of problems and the first problem.
  private static func beginning(of reason: String) -> String {
    let lines = reason.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.count > 3 else { return reason }
    return lines.prefix(2).joined(separator: "\n") + "\n  and \(lines.count - 2) more"
  }

  /// Where in an adapter the fault usually is.
  private var hint: String? {
    switch draft.fault {
    case .expertsMissing, .expertsSurplus:
      guard let size = draft.parallelism?.size else { return draft.fault.hint }
      let experts = Self.count(spec.config.expertCount, "expert")
      return spec.config.expertCount.isMultiple(of: size)
        ? "look at how a rank's range is computed"
        : "look at which ranks get the remainder of \(experts) over \(size) ranks"
    case .keysSurplus, .keysDropped, .expertOverwritten:
      let isOfExperts = draft.tensors.allSatisfy {
        TensorSubject($0, spec.config.layout).isOfExperts
      }
      return draft.parallelism != nil && isOfExperts
        ? "look at how a rank's range is computed" : draft.fault.hint
    case .rearranged:
      let isFused = draft.kinds.contains(where: \.isFactor) && isParamWrapper
      return isFused ? "look at the order of experts and ranks" : draft.fault.hint
    default: return draft.fault.hint
    }
  }

  private var isParamWrapper: Bool { spec.lora.map { $0.layout != .perExpert } ?? false }

  /// On the way to disk, orders tell what each place is taken for.
  private var isReading: Bool { draft.direction == .toHF || draft.direction == .streaming }

  private var own: Range<Int> { LayoutOracle(spec).experts(of: draft.parallelism) }

  private var storedLayers: [Int] { Array(0..<spec.config.storedLayerCount) }

  /// What is wrong, before directions and places.
  private var clause: String {
    elements ?? numbers ?? keys ?? exclusion ?? other
  }

  private var words: [String] { draft.kinds.map(\.word).unique }
  private var subject: String { words.isEmpty ? "tensors" : Self.list(words) }
  private var isPlural: Bool { words.count != 1 }
  private var be: String { isPlural ? "are" : "is" }
  private func verb(_ one: String, _ many: String) -> String { isPlural ? many : one }

  private var elements: String? {
    switch draft.fault {
    case .halvesExchanged: "gate and up halves are swapped"
    case .halvesInterleaved:
      words.count > 1
        ? "rows of \(subject) alternate in the fused tensor"
        : "gate and up alternate in \(subject) where halves are meant, or the other way round"
    case .halvesShifted(let shift):
      "gate and up, one behind the other, are shifted by \(Self.count(shift, "row"))"
    case .notTransposed(let isSquare): "\(subject) \(be) not transposed\(square(isSquare))"
    case .transposed(let isSquare): "\(subject) \(be) transposed\(square(isSquare))"
    case .projectionMissing: "\(subject) \(be) missing from the grouped tensor"
    case .reshapedInsteadOfTransposed: "\(subject) \(be) reshaped instead of transposed"
    case .axesPermuted(let axes): "\(subject) \(verb("has", "have")) axes in the order \(axes)"
    case .axisOrder(let axis, let order): axisClause(axis, order)
    case .rearranged: "\(subject) \(be) rearranged"
    case .zeros(let isPartly): "\(subject) \(be) \(isPartly ? "partly" : "all") zeros"
    case .constant(let bits): "\(subject) \(be) the constant 0x\(String(bits, radix: 16))"
    case .foreignElements(let isPartly):
      "\(subject) \(verb("has", "have")) \(isPartly ? "some elements" : "nothing but elements") "
        + "that no tensor of the checkpoint holds"
    case .classesExchanged(let one, let other): "\(one) and \(other) are exchanged"
    case .classReplaced(let other): "\(subject) \(verb("holds", "hold")) the elements of \(other)"
    case .wrongShape(let expected, let found):
      "\(subject) \(verb("comes", "come")) out in shape \(found) instead of \(expected)"
    case .cast(let from, let to):
      castClause(from, to)
    case .notCast(let to): "\(subject) \(verb("was", "were")) not cast to \(to.words)"
    default: nil
    }
  }

  private func castClause(_ from: DType, _ to: DType) -> String {
    let all = (context?.book.schema ?? []).filter { $0.dtype == from }
      .map { TensorSubject($0.name, spec.config.layout).kind }.unique
    if all.count > 1, draft.kinds.count == all.count, all.allSatisfy(draft.kinds.contains) {
      return "all \(from.words) tensors were cast to \(to.words)"
    }
    return "\(subject) \(verb("was", "were")) cast \(from.words) -> \(to.words)"
  }

  private func square(_ isSquare: Bool) -> String {
    isSquare ? " where \(isPlural ? "they are" : "it is") square" : ""
  }

  private func axisClause(_ axis: Diagnosis.Axis, _ order: NumberOrder) -> String {
    if case .rotated(let by) = order {
      return "\(axis.rawValue) of \(subject) are shifted by \(by) around the end"
    }
    let noun = String(axis.rawValue.dropLast())
    return "\(axis.rawValue) of \(subject) are \(order.phrase(noun, []))"
  }

  private var numbers: String? {
    let count = spec.config.expertCount
    switch draft.fault {
    case .expertOrder(let order): return expertClause(order, Array(own))
    case .expertOverwritten(let expert, let by):
      return "\(ofExperts)expert \(expert) is overwritten by expert \(by)"
    case .expertsMissing(let experts): return missingClause(experts, own)
    case .expertsSurplus(let experts):
      let isTwice = experts.allSatisfy { own.contains($0) }
      return "\(Self.list("expert", experts)) \(experts.count == 1 ? "is" : "are") there "
        + (isTwice ? "twice" : "beyond the rank's \(Self.experts(own))")
    case .rankRangeShifted(let by): return "the range of experts is shifted by \(by)"
    case .rankIgnored:
      return "all \(count) experts are kept instead of \(Self.experts(own))"
    case .localExpertNumbers:
      return "experts are numbered from 0 on disk instead of from \(own.lowerBound)"
    case .layersMerged(let layers, let onto):
      return "\(Self.list("layer", layers)) landed on layer \(onto)"
    case .layerOrder(let order): return "layers are \(order.phrase("layer", storedLayers))"
    default: return nil
    }
  }

  /// Says which projections where not all of an expert's are concerned.
  private var ofExperts: String {
    let all = (context?.book.subjects ?? []).filter { $0.expert != nil }.map(\.kind).unique
    guard !draft.kinds.isEmpty, draft.kinds.count < all.count else { return "" }
    return "for \(subject), "
  }

  private func expertClause(_ order: NumberOrder, _ places: [Int]) -> String {
    if case .copies(let expert) = order {
      return "\(ofExperts)every expert is a copy of expert \(expert)"
    }
    return "\(ofExperts)experts are \(order.phrase("expert", places))"
  }

  private func missingClause(_ experts: [Int], _ own: Range<Int>) -> String {
    var result = Self.list("expert", experts)
    if own.count == 1, experts == Array(own) {
      result += ", the only one,"
    } else if experts == [own.upperBound - 1] {
      result += ", the last one,"
    } else if experts == [own.lowerBound] {
      result += ", the first one,"
    }
    return ofExperts + result + (experts.count == 1 ? " is missing" : " are missing")
  }

  private static func experts(_ range: Range<Int>) -> String {
    range.count == 1 ? "expert \(range.lowerBound)" : "experts \(Self.range(range))"
  }

  private static func range(_ range: Range<Int>) -> String {
    range.isEmpty
      ? "none"
      : range.count == 1
        ? "\(range.lowerBound)" : "\(range.lowerBound)...\(range.upperBound - 1)"
  }

  private func mtpClause(_ part: Diagnosis.Part) -> String {
    let layers = Self.list("layer", draft.layers)
    return switch part {
    case .all where context?.mtpLayers.count == 1: "the MTP layer (\(layers)) is"
    case .all: "all MTP layers (\(layers)) are"
    case .first: "the first MTP layer (\(layers)) is"
    case .last: "the last MTP layer (\(layers)) is"
    case .some: "some MTP layers (\(layers)) are"
    }
  }

  private var keys: String? {
    let isFromHF = draft.direction == .fromHF
    switch draft.fault {
    case .notRenamed:
      let side = draft.direction == .both ? "name" : isFromHF ? "name on disk" : "native name"
      return "\(subject) \(verb("keeps its", "keep their")) \(side)"
    case .renamedWrongly(let name): return "\(subject) \(verb("comes", "come")) out as '\(name)'"
    case .wrongPrefix(let prefix, let expected):
      return "keys come out with the prefix '\(prefix)' instead of '\(expected)'"
    case .notGrouped: return "\(subject) of experts are not grouped"
    case .notSplit: return "grouped experts (\(subject)) are not split"
    case .keysDropped: return "\(subject) \(be) lost"
    case .keysSurplus:
      return "surplus \(draft.tensors.count == 1 ? "key" : "keys") "
        + Self.list(draft.tensors.map { "'\($0)'" })
    case .keysRepeated:
      return
        "\(Self.list(draft.tensors.map { "'\($0)'" })) \(draft.tensors.count == 1 ? "comes" : "come") out more than once"
    case .mtpKept(let part): return "\(mtpClause(part)) kept under policy drop"
    case .mtpDropped(let part): return "\(mtpClause(part)) dropped under policy preserve"
    case .mtpKeyMisjudged(let isMTP, let isOfModel):
      let layers =
        draft.layers.isEmpty
        ? "outside all layers" : "of " + Self.list(isMTP ? "layer" : "MTP layer", draft.layers)
      return "isMTPKey says \(isMTP ? "yes" : "no") to keys \(layers)"
        + (isOfModel ? "" : " of other modules")
    case .keyOrder(let arrangement): return "keys come out \(arrangement.phrase)"
    default: return nil
    }
  }

  private var exclusion: String? {
    switch draft.fault {
    case .exclusionIgnored: "the exclusion pattern is ignored"
    case .exclusionTestsNativeName: "exclusion tests the native name instead of the name on disk"
    case .exclusionTestsBothNames: "exclusion tests the native name beside the name on disk"
    case .exclusionSearchesAnywhere:
      "the exclusion pattern is searched anywhere in a key instead of matched at its start"
    case .exclusionMatchesWholeKey:
      "the exclusion pattern must match a whole key instead of its start"
    case .exclusionInverted: "only what the exclusion pattern matches is saved"
    case .exclusionKeeps: "\(subject) \(be) kept though the exclusion pattern matches"
    case .exclusionRemoves: "\(subject) \(be) removed though the exclusion pattern does not match"
    default: nil
    }
  }

  private var function: String {
    switch draft.direction {
    case .fromHF: "fromHF"
    case .toHF: "toHF"
    case .streaming: "convertSingleTensorToHF"
    case .both, .none: "the adapter"
    }
  }

  private var other: String {
    switch draft.fault {
    case .refused: "a valid checkpoint is refused"
    case .notRepeatable: "the same conversion gives other keys or shapes when it is run again"
    case .dependsOnEarlierCalls: "the result depends on what the adapter did in earlier calls"
    case .inputChanged: "\(function) changes the caller's tensors"
    case .value(let fault): fault.phrase(subject, be: be)
    case .unexplained(let summary):
      context == nil ? summary : "elements of any value go where they belong, and yet: \(summary)"
    default: draft.fault.identifier
    }
  }

  /// Such as `1 row` and `-2 rows`.
  static func count(_ number: Int, _ noun: String) -> String {
    "\(number) \(noun)\(number.magnitude == 1 ? "" : "s")"
  }

  /// Such as `layer 3`, `layers 1 and 2`, `layers 1, 2 and 5`.
  static func list(_ noun: String, _ numbers: [Int]) -> String {
    "\(noun)\(numbers.count == 1 ? "" : "s") \(list(numbers.map(String.init)))"
  }

  static func list(_ words: [String]) -> String {
    let shown = words.count > 8 ? words.prefix(7) + ["\(words.count - 7) more"] : words[...]
    guard let last = shown.last, shown.count > 1 else { return shown.first ?? "" }
    return shown.dropLast().joined(separator: ", ") + " and " + last
  }
}

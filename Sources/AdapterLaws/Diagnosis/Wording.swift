// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Puts a fault into words.
struct Wording {
  let draft: CauseCandidate
  let spec: CheckpointSpec
  let places: DiagnosisPlaces?

  init(_ draft: CauseCandidate, _ spec: CheckpointSpec, _ places: DiagnosisPlaces?) {
    self.draft = draft
    self.spec = spec
    self.places = places
  }

  /// The cause with its sentence.
  var finding: Diagnosis.Finding {
    Diagnosis.Finding(
      code: .init(draft.fault, draft.direction), classes: words, layers: draft.layers,
      experts: draft.experts, tensors: draft.tensors, sentence: sentence)
  }

  private var sentence: String {
    let phrase = phrase
    var result = phrase.clause
    let isStreaming = draft.direction == .streaming
    let parts = [direction, placeClause]
    for part in isStreaming ? parts.reversed() : parts where !part.isEmpty { result += " " + part }
    if let detail = phrase.detail { result += ": \(detail)" }
    if let hint = phrase.hint { result += "; \(hint)" }
    return result
  }

  private var direction: String {
    guard draft.fault.traits.hasDirection || draft.direction == .streaming else { return "" }
    return switch draft.direction {
    case .fromHF: "when loading"
    case .toHF: "when saving"
    case .both: "when loading and saving"
    case .streaming: "when tensors are converted one at a time"
    case .none: ""
    }
  }

  private var placeClause: String {
    var parts: [String] = []
    if draft.fault.traits.hasPlaces, !draft.experts.isEmpty {
      parts.append("for " + Self.list("expert", draft.experts))
    }
    if draft.fault.traits.hasPlaces, !draft.isEverywhere, !draft.layers.isEmpty {
      parts.append(layers)
    }
    if let rank = draft.parallelism {
      parts.append("on rank \(rank.rank) of \(rank.size)")
    }
    return parts.joined(separator: " ")
  }

  private var layers: String {
    let all = places?.layers(of: draft.kinds) ?? []
    let mtp = places?.mtpLayers ?? []
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
      && (places?.layers(of: [kind]) ?? []).allSatisfy { spec.config.isSparse(layer: $0) }
  }

  /// The first line of a list of problems and the first problem.
  static func beginning(of reason: String) -> String {
    let lines = reason.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.count > 3 else { return reason }
    return lines.prefix(2).joined(separator: "\n") + "\n  and \(lines.count - 2) more"
  }

  var isParamWrapper: Bool { spec.lora.map { $0.layout != .perExpert } ?? false }

  /// When saving, orders tell what each place is taken for.
  var isReading: Bool { draft.direction == .toHF || draft.direction == .streaming }

  var own: Range<Int> { LayoutOracle(spec).experts(of: draft.parallelism) }

  var storedLayers: [Int] { Array(0..<spec.config.storedLayerCount) }

  var words: [String] { draft.kinds.map(\.word).unique }
  var subject: String { words.isEmpty ? "tensors" : Self.list(words) }
  private var isPlural: Bool { words.count != 1 }
  var be: String { isPlural ? "are" : "is" }
  func verb(_ one: String, _ many: String) -> String { isPlural ? many : one }

  func castClause(_ from: DType, _ to: DType) -> String {
    let (there, here) = (ModelConfig.name(of: from), ModelConfig.name(of: to))
    let all = zip(places?.subjects ?? [], places?.dtypes ?? []).filter { $1 == from }.map(\.0.kind)
      .unique
    if all.count > 1, draft.kinds.count == all.count, all.allSatisfy(draft.kinds.contains) {
      return "all \(there) tensors were cast to \(here)"
    }
    return "\(subject) \(verb("was", "were")) cast \(there) -> \(here)"
  }

  func square(_ isSquare: Bool) -> String {
    isSquare ? " where \(isPlural ? "they are" : "it is") square" : ""
  }

  /// Says which projections where not all of an expert's are concerned.
  var ofExperts: String {
    let all = (places?.subjects ?? []).filter { $0.expert != nil }.map(\.kind).unique
    guard !draft.kinds.isEmpty, draft.kinds.count < all.count else { return "" }
    return "for \(subject), "
  }

  func missingClause(_ experts: [Int], _ own: Range<Int>) -> String {
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

  static func experts(_ range: Range<Int>) -> String {
    range.count == 1 ? "expert \(range.lowerBound)" : "experts \(Self.range(range))"
  }

  static func range(_ range: Range<Int>) -> String {
    range.isEmpty
      ? "none"
      : range.count == 1
        ? "\(range.lowerBound)" : "\(range.lowerBound)...\(range.upperBound - 1)"
  }

  func mtpClause(_ part: Diagnosis.Part) -> String {
    let layers = Self.list("layer", draft.layers)
    return switch part {
    case .all where places?.mtpLayers.count == 1: "the MTP layer (\(layers)) is"
    case .all: "all MTP layers (\(layers)) are"
    case .first: "the first MTP layer (\(layers)) is"
    case .last: "the last MTP layer (\(layers)) is"
    case .some: "some MTP layers (\(layers)) are"
    }
  }

  /// Whose names tensors keep.
  var side: String {
    draft.direction == .both
      ? "name" : draft.direction == .fromHF ? "name on disk" : "native name"
  }

  /// The keys of the outputs.
  var keys: String { Self.list(draft.tensors.map { "'\($0)'" }) }

  var function: String {
    switch draft.direction {
    case .fromHF: "fromHF"
    case .toHF: "toHF"
    case .streaming: "convertSingleTensorToHF"
    case .both, .none: "the adapter"
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
    Enumeration.words(words, most: 8)
  }
}

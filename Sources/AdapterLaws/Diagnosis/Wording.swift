// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts

/// Puts faults into words.
struct Wording {
  let spec: CheckpointSpec
  private let context: DiagnosisContext?

  init(_ examination: Examination) {
    spec = examination.spec
    context = examination.context
  }

  func finding(_ draft: Draft) -> Diagnosis.Finding {
    let classes = draft.kinds.map(\.word).unique
    return Diagnosis.Finding(
      code: .init(draft.fault, draft.direction), classes: classes, layers: draft.layers,
      experts: draft.experts, tensors: draft.tensors,
      sentence: sentence(draft))
  }

  private func sentence(_ draft: Draft) -> String {
    let wording = FaultWording(draft, spec, context)
    var result = wording.clause
    let isStreaming = draft.direction == .streaming
    let parts = [direction(draft), places(draft)]
    for part in isStreaming ? parts.reversed() : parts where !part.isEmpty { result += " " + part }
    if let detail = wording.detail { result += ": \(detail)" }
    if let hint = wording.hint { result += "; \(hint)" }
    return result
  }

  private func direction(_ draft: Draft) -> String {
    guard draft.fault.hasDirection || draft.direction == .streaming else { return "" }
    return switch draft.direction {
    case .fromHF: draft.isOnly ? "from HF only" : "from HF"
    case .toHF: draft.isOnly ? "to HF only" : "to HF"
    case .both: "in both directions"
    case .streaming: "when tensors are converted one at a time"
    case .none: ""
    }
  }

  private func places(_ draft: Draft) -> String {
    var parts: [String] = []
    if draft.fault.hasPlaces, !draft.experts.isEmpty {
      parts.append("of " + Self.list("expert", draft.experts))
    }
    if draft.fault.hasPlaces, !draft.isEverywhere, !draft.layers.isEmpty {
      parts.append(layers(draft))
    }
    if let rank = draft.parallelism, draft.fault.hasRank {
      parts.append("on rank \(rank.rank) of \(rank.size)")
    }
    return parts.joined(separator: " ")
  }

  private func layers(_ draft: Draft) -> String {
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

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Says in the field's words what an adapter lost of an invalid input.
struct LossWording {
  private let accepted: InvalidInputLosses
  private let layout: Layout

  init(_ accepted: InvalidInputLosses) {
    self.accepted = accepted
    layout = accepted.setup.config.layout
  }

  /// One finding for each fate, the worst first.
  func findings(_ direction: Diagnosis.Direction) -> [Diagnosis.Finding] {
    TensorFate.allCases.compactMap { fate in
      let losses = accepted.losses.filter { $0.fate == fate }
      guard let first = losses.first else { return nil }
      let subjects = losses.map { TensorSubject($0.name, layout) }
      return Diagnosis.Finding(
        code: .init(.invalidInput(fault: accepted.fault, fate), direction),
        classes: subjects.map(\.word).unique, layers: Set(subjects.compactMap(\.layer)).sorted(),
        experts: experts(losses), tensors: losses.map(\.name),
        sentence: "\(clause(fate, losses, first)); given \(input)")
    }
  }

  private var input: String {
    accepted.fault == InvalidInputLosses.anyFault
      ? "a valid checkpoint or \(accepted.subject)" : accepted.subject
  }

  private func clause(_ fate: TensorFate, _ losses: [TensorLoss], _ first: TensorLoss) -> String {
    switch fate {
    case .lost: "\(lostClause(losses)) without a word: \(places(losses))"
    case .overwritten: overwrittenClause(first) + more(losses)
    case .changed: changedClause(losses, first)
    case .invented: inventedClause(losses)
    }
  }

  private func more(_ losses: [TensorLoss]) -> String {
    losses.count > 1 ? ", and \(losses.count - 1) more like it" : ""
  }

  private func lostClause(_ losses: [TensorLoss]) -> String {
    let names = losses.map(\.name)
    let addresses = names.map { LenientKey($0, layout) }
    let config = accepted.setup.config
    let all = { (holds: (LenientKey) -> Bool) in addresses.allSatisfy(holds) }
    if losses.contains(where: { !$0.experts.isEmpty }) {
      return "experts of a grouped tensor are left out"
    }
    if names.allSatisfy({ $0.text.hasSuffix("_scale_inv") }) {
      return "tensors whose keys end in _scale_inv are thrown away"
    }
    if all({ $0.layer.map { $0 >= config.hiddenLayerCount } ?? false }) {
      return "layers from \(layout.layers.countField) (\(config.hiddenLayerCount)) on are left out"
    }
    if all({ $0.expert.map { $0 >= config.expertCount } ?? false }) {
      return "experts beyond \(layout.fieldOfExperts) (\(config.expertCount)) are left out"
    }
    if !accepted.setup.options.activation.isGated, all({ part(of: $0) == .gate }) {
      return "gate projections of an activation without gate are left out"
    }
    if all({ !$0.isExact }) { return "keys with unusual numbers or endings are left out" }
    if all({ TensorKind($0, layout).isFactor }) { return "low-rank factors are left out" }
    if all({ $0.expert != nil && $0.subject == .unknown }) {
      return "keys of experts that are no projection's weight are left out"
    }
    if all({ $0.expert != nil }) { return "experts of an incomplete group are left out" }
    return "tensors are left out"
  }

  /// Which part of an expert a key on disk is of, or nil.
  private func part(of key: LenientKey) -> ExpertPart? {
    key.tensor.flatMap { layout.tensors[$0].part }
  }

  private func overwrittenClause(_ loss: TensorLoss) -> String {
    let home = "'\(loss.home ?? loss.name)'"
    guard let other = loss.other else { return "another tensor stands under \(home)" }
    let rank = loss.isEarlier ? "the later one" : "the earlier one"
    return "two keys land on \(home): \(rank), '\(other)', wins over '\(loss.name)'"
  }

  private func changedClause(_ losses: [TensorLoss], _ first: TensorLoss) -> String {
    let alike = losses.filter { $0.detail == first.detail }
    let subject = places(alike)
    let one = Set(alike.map { TensorSubject($0.name, layout) }).count == 1
    let home = "'\(first.home ?? first.name)'"
    switch first.detail {
    case .type(let found, let expected):
      return
        "\(subject) \(one ? "was" : "were") cast \(expected.words) -> \(found.words) in \(home)"
    case .shape(let found, let expected):
      return first.home == first.name
        ? "\(subject) \(one ? "comes" : "come") out in shape \(found) instead of \(expected)"
        : "\(subject) of shape \(expected) \(one ? "is" : "are") squeezed into \(home) of shape \(found)"
    case .squeezed(let shape, let whole):
      return
        "\(subject) of shape \(shape) \(one ? "is" : "are") squeezed into \(home) of shape \(whole)"
    case .split(let columns, let rows):
      let parts = NativeWhole(native: LenientKey(first.name, layout))?.places(layout) ?? []
      let words = zip(parts, rows).enumerated().map { position, part in
        "\(part.1) \(position == 0 ? "rows " : "")of \(layout.tensors[part.0.rule].word)"
      }
      return "the \(columns) columns of \(subject) come out as \(Wording.list(words))"
    case .place(let expert):
      return "\(subject) \(one ? "stands" : "stand") in the place of expert \(expert) in \(home)"
    case .elements, .part, nil:
      return "elements of \(subject) are changed in \(home)"
    }
  }

  private func inventedClause(_ losses: [TensorLoss]) -> String {
    guard let slots = losses.first(where: { !$0.experts.isEmpty }) else {
      let names = losses.map { "'\($0.name)'" }
      return "\(Wording.list(names)) \(names.count == 1 ? "is" : "are") made up: "
        + "no such tensor went in"
    }
    let reason =
      slots.detail == .part
      ? "is made up in part: not all projections went in" : "is made up: no such expert went in"
    return "\(places([slots])) \(reason)" + more(losses)
  }

  private func experts(_ losses: [TensorLoss]) -> [Int] {
    Set(losses.flatMap { $0.experts + [LenientKey($0.name, layout).expert].compactMap(\.self) })
      .sorted()
  }

  /// Which tensors, such as `gate_proj and up_proj of expert 3 in layer 1`.
  private func places(_ losses: [TensorLoss]) -> String {
    let subjects = losses.map { TensorSubject($0.name, layout) }
    var result = Wording.list(subjects.map(\.word).unique)
    let experts = experts(losses)
    let areOfExperts = zip(losses, subjects).allSatisfy {
      !$0.experts.isEmpty || LenientKey($0.name, layout).expert != nil || $1.expert != nil
    }
    if !experts.isEmpty, areOfExperts { result += " of \(Wording.list("expert", experts))" }
    let layers = Set(subjects.compactMap(\.layer)).sorted()
    if !layers.isEmpty { result += " in \(Wording.list("layer", layers))" }
    return result
  }
}

extension Layout {
  /// The field with the number of experts.
  fileprivate var fieldOfExperts: String {
    position(of: .experts).map { sizes[$0].field } ?? "the number of experts"
  }
}

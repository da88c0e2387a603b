// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// What kind of state dict this is, in one sentence that tells why a plan is refused.
struct RefusalCause {
  let plan: PlanBuilder
  var context: AdapterPlanner { plan.context }
  var config: ModelConfig { context.config }
  var problems: [Problem] { plan.problems }

  init(_ plan: PlanBuilder) {
    self.plan = plan
  }

  /// The first cause that shows in the problems, nil where none of the known ones does.
  var sentence: String? {
    guard !plan.sources.isEmpty else { return "there is no tensor" }
    let causes = [
      emptyTensors, undecidedFactors, packed, otherForm, otherPrefix, strangers, parallelRank,
      expertCount,
      layersWithoutExperts, predictionLayers, surplusLayers, denseLayers, paddedVocabulary,
      otherShapes, onlyMissing,
    ]
    return causes.lazy.compactMap { $0() }.first
  }

  func problems(_ code: Problem.Code) -> [Problem] { problems.filter { $0.code == code } }

  /// A field of the config with its value.
  func stated(_ field: String, _ value: Int) -> String { "the config's \(field) says \(value)" }

  static func layers(_ numbers: some Collection<Int>) -> String {
    Enumeration.ranges("layer", numbers)
  }

  // MARK: Tensors and names

  private func emptyTensors() -> String? {
    let empty = plan.sources.filter { $0.shape.elementCount == 0 }
    guard !empty.isEmpty, !problems(.wrongShape).isEmpty else { return nil }
    return
      "\(empty.count) of \(plan.sources.count) tensors are empty: the save gathered nothing, as ZeRO-3 "
      + "does without stage3_gather_16bit_weights_on_model_save"
  }

  private func undecidedFactors() -> String? {
    guard context.options.paramWrapperLayout == nil, !problems(.ambiguousLoRALayout).isEmpty else {
      return nil
    }
    return
      "the shapes of fused LoRA factors fit both layouts of PEFT: state the one of its version by "
      + "--peft-layout"
  }

  private func packed() -> String? {
    let keys = zip(plan.sources, plan.index.numbers).compactMap { info, number in
      number == nil ? WeightPacker.of(info.name).map { (info.name, $0.tool) } : nil
    }
    guard let (first, tool) = keys.first else { return nil }
    return
      "the weights are packed by \(tool) (\(keys.count { $0.1 == tool }) keys such as '\(first)'): "
      + "unpack them with it first"
  }

  private func otherForm() -> String? {
    let foreign = problems(.foreignLayout)
    guard let first = foreign.first, foreign.count * 6 >= problems(.missingTensor).count else {
      return nil
    }
    if plan.direction == .toHF {
      return "the tensors are in the form on disk already, '\(first.subject)' for one"
    }
    let group = foreign.first {
      if case .group = LenientKey($0.subject, context.layout).subject { true } else { false }
    }
    return group.map {
      "the experts are in native form '\(context.layout.native)', '\($0.subject)' for one: convert "
        + "them by --to hf first"
    } ?? "the experts are in another native form, '\(first.subject)' for one"
  }

  private func otherPrefix() -> String? {
    guard !problems(.unknownPrefix).isEmpty else { return nil }
    var counts: [String: Int] = [:]
    for info in plan.sources {
      let key = LenientKey(info.name, context.layout)
      if key.layerText != nil { counts[key.prefix, default: 0] += 1 }
    }
    let most = counts.max { ($0.value, $1.key) < ($1.value, $0.key) }
    guard let (prefix, count) = most, prefix != context.prefix else { return nil }
    let isKnown = context.layout.prefixes.contains(prefix)
    let advice =
      isKnown ? "state it by --prefix \(prefix.isEmpty ? "none" : prefix)" : "rename them"
    return "the keys of layers begin with '\(prefix)' (\(count) of them) and not with "
      + "'\(context.prefix)': \(advice)"
  }

  private func strangers() -> String? {
    guard plan.index.isForeign, !problems(.missingTensor).isEmpty else { return nil }
    return "none of the \(plan.sources.count) keys is one of layout \(context.layout.name), "
      + "'\(plan.sources[0].name)' for one: the model is of another family"
  }

  private func onlyMissing() -> String? {
    let missing = problems(.missingTensor)
    guard missing.count == problems.count else { return nil }
    let entries = NameCensus(missing.map(\.subject)).entries
    return entries.count > 2 || missing.count < 2
      ? nil : "missing are \(entries.map(\.description).joined(separator: " and "))"
  }
}

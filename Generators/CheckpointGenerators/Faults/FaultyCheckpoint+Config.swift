// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

extension FaultyCheckpoint {
  /// Gives the adapter another config, whose contradictions to the tensors a refusal must name;
  /// gives false if there are none, or if not all tensors need be there.
  mutating func reconfigure(_ edit: (inout ConfigDraft) -> Void) -> Bool {
    var draft = ConfigDraft(config)
    edit(&draft)
    guard let changed = draft.config else { return false }
    var setup = setup
    setup.config = changed
    return resetUp(setup)
  }

  /// Gives the tensors to another adapter.
  mutating func resetUp(_ changed: AdapterSetup) -> Bool {
    guard isWhole, spec.lora == nil, !spec.types.hasScales else { return false }
    setup = changed
    let schema = CheckpointTensors(CheckpointSpec(changed, contents: spec.contents)).infos()
    let shapes = Dictionary(
      schema.map { ($0.name, $0.shape) }, uniquingKeysWith: { first, _ in first })
    let present = Set(infos.map(\.name))
    for info in infos {
      if let code = contradiction(of: info, shapes[info.name]) { offend(info.name, code) }
    }
    let own = Set(ownExperts)
    for info in schema where !present.contains(info.name) {
      let key = LenientKey(info.name, layout)
      let isDropped = key.layer.map { $0 >= config.hiddenLayerCount } ?? false && setup.dropsMTP
      if !isDropped, key.expert.map(own.contains) ?? true { offend(info.name, .missingTensor) }
    }
    touchAll()
    return !offences.isEmpty
  }

  /// What a refusal must say of a tensor that was valid under another config.
  private func contradiction(of info: TensorInfo, _ shape: Shape?) -> Finding.Code? {
    let key = LenientKey(info.name, layout)
    if key.prefix == prefix, let layer = key.layer, let position = key.tensor {
      let rule = layout.tensors[position]
      if layer >= config.storedLayerCount { return .surplusLayer }
      if layer >= config.hiddenLayerCount, setup.dropsMTP { return nil }
      if rule.isOfPrediction, layer < config.hiddenLayerCount {
        return .predictionTensorInDecoderLayer
      }
      if rule.isOfSparseLayers, !config.isSparse(layer: layer) { return .expertsInDenseLayer }
      if let expert = key.expert, expert >= config.expertCount { return .surplusExpert }
      if rule.isOfGroup, !rule.isPresent(values(layer)) { return .gateOfNonGatedExpert }
    }
    guard let shape, shape != info.shape else { return nil }
    return .wrongShape
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// The edits that faults are made of; each notes what it touches.
extension FaultyCheckpoint {
  /// The tensor of a key.
  func info(_ name: TensorName) -> TensorInfo? { infos.first { $0.name == name } }

  func has(_ name: TensorName) -> Bool { infos.contains { $0.name == name } }

  /// Demands that a refusal names a key.
  mutating func offend(_ name: TensorName, _ codes: Problem.Code...) { offend(name, codes) }

  mutating func offend(_ name: TensorName, _ codes: [Problem.Code]) {
    touch(name)
    offences.append(Offence(name: name, codes: Set(codes)))
  }

  /// Demands that a refusal names a tensor as missing, if it must be there.
  mutating func offendMissing(_ place: FaultPlace) {
    if isWhole || place.rule.isOfGroup { offend(place.name, .missingTensor) }
  }

  /// Removes keys and, with them, their companions.
  mutating func remove(_ names: [TensorName]) {
    let companions = names.flatMap { name in
      layout.companions.compactMap { name.replacingWeight(by: $0) }
    }
    let gone = Set(names + companions)
    infos.removeAll { gone.contains($0.name) }
    for name in names { touch(name) }
  }

  /// Removes keys that a refusal must name as missing.
  mutating func lose(_ names: [TensorName], _ code: Problem.Code = .missingTensor) {
    remove(names)
    for name in names { offend(name, code) }
  }

  /// Removes all keys, of which a refusal must name some as missing; says what is wrong.
  mutating func loseAll(
    where isMissed: (FaultyCheckpoint, TensorName) -> Bool
  ) -> String? {
    guard isWhole else { return nil }
    let names = infos.map(\.name)
    let missed = names.filter { isMissed(self, $0) }
    remove(names)
    lose(missed)
    touchAll()
    return "keys are all missing"
  }

  /// Appends a tensor, of which a refusal says something if there are codes for it; gives false if its
  /// key is taken.
  mutating func add(_ info: TensorInfo, _ codes: Problem.Code...) -> Bool {
    guard !has(info.name) else { return false }
    infos.append(info)
    touch(info.name)
    if !codes.isEmpty { offend(info.name, codes) }
    return true
  }

  /// Appends the tensors that an expert of a layer would have; gives false if a key is taken.
  mutating func addExpert(_ expert: Int, _ layer: Int, _ code: Problem.Code) -> Bool {
    for rule in expertRules(layer) {
      guard add(tensor(rule, layer, expert: expert), code) else { return false }
    }
    return true
  }

  /// Gives a tensor another key in its place; gives false if that is taken.
  mutating func rename(_ name: TensorName, to other: TensorName) -> Bool {
    guard let index = infos.firstIndex(where: { $0.name == name }), !has(other) else {
      return false
    }
    infos[index] = TensorInfo(other, infos[index].dtype, infos[index].shape)
    origins[other] = origins[name] ?? name
    touch(name)
    touch(other)
    return true
  }

  /// Gives a tensor another shape, which a refusal must name; gives false if it is the same
  /// or if another fault may have changed it.
  mutating func reshape(_ name: TensorName, _ extents: (Shape) -> [Int]?) -> Bool {
    guard let index = infos.firstIndex(where: { $0.name == name }),
      taken.map({ !$0.contains(place(of: name)) }) ?? false
    else { return false }
    let old = infos[index]
    guard let new = extents(old.shape), new != old.shape.extents, let shape = try? Shape(new)
    else { return false }
    infos[index] = TensorInfo(name, old.dtype, shape)
    offend(name, .wrongShape)
    return true
  }

  /// Gives a tensor another element type, which a refusal must name.
  mutating func retype(_ name: TensorName, _ dtype: DType) -> Bool {
    guard let index = infos.firstIndex(where: { $0.name == name }), infos[index].dtype != dtype
    else { return false }
    infos[index] = TensorInfo(name, dtype, infos[index].shape)
    offend(name, .wrongDType)
    return true
  }

  /// Notes that a fault concerns everything.
  mutating func touchAll() { touched = nil }

  private mutating func touch(_ name: TensorName) {
    let place = place(of: name)
    touched?.insert(place)
  }

  /// What faults must not share: a layer, or a key outside all layers.
  func place(of name: TensorName) -> String {
    guard let text = LenientKey(name, layout).layerText else { return name.text }
    let digits = text.drop { $0 == "0" }
    return "layer \(digits.isEmpty ? "0" : digits)"
  }
}

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
  private func contradiction(of info: TensorInfo, _ shape: Shape?) -> Problem.Code? {
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

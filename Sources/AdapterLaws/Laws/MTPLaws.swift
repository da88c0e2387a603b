// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

extension Laws {
  static let mtp = [mtpPolicy, mtpKeys, mtpAddition]

  private static let mtpPolicy = AdapterLaw(
    "mtp-policy",
    statement:
      "under drop no key of an MTP layer is loaded and every other is; under preserve all are",
    reason: "the trained model has no MTP layers, and a round trip must not lose those of the file",
    brokenBy: "the first MTP layer kept; the last decoder layer dropped with them",
    worth: "it names the layers, where `keys` names keys by the hundred"
  ) { (trial) throws(Violation) in
    guard trial.hasDroppableMTP, trial.spec.config.mtpLayerCount > 0, trial.spec.storesMTP else {
      return false
    }
    let layers = Set(try trial.native().names.compactMap(trial.storedLayer))
    let expected = Set(
      try trial.onDisk().names.compactMap(trial.storedLayer).filter {
        $0 < trial.spec.config.hiddenLayerCount || trial.spec.options.mtpPolicy == .preserve
      })
    guard let layer = layers.symmetricDifference(expected).min() else { return true }
    let kept = layers.contains(layer)
    throw Violation(
      kept ? .mtpLayerKept : .layerDropped, step: .fromHF(nil),
      evidence: .init(expected: try trial.expectedNative(), found: try trial.native()),
      kept
        ? "layer \(layer) is loaded, though the \(trial.spec.config.hiddenLayerCount) decoder "
          + "layers end before it and the policy is to drop the others"
        : "layer \(layer) is not loaded")
  }

  private static let mtpKeys = AdapterLaw(
    "mtp-keys",
    statement:
      "isMTPKey is true for the model's layers from num_hidden_layers on, and for nothing else",
    reason: "callers filter by it before they load",
    brokenBy: "a literal layer number; a key of another module that has layers too; `layers.+2.x`"
  ) { (trial) throws(Violation) in
    guard trial.hasDroppableMTP else { return false }
    let session = try trial.session()
    let count = trial.spec.config.hiddenLayerCount
    let cases =
      try trial.onDisk().names.map { ($0, trial.isStoredMTP($0)) }
      + trial.spec.askedKeys.map { ($0.name, $0.isMTP) }
    let answers = try trial.attempt(.isMTPKey) { try session.areMTPKeys(cases.map(\.0)) }
    guard answers.count == cases.count else {
      throw Violation(
        .answersMissing, step: .isMTPKey,
        "\(answers.count) answers came to isMTPKey of \(Wording.count(cases.count, "key"))")
    }
    for ((name, expected), found) in zip(cases, answers) where found != expected {
      throw Violation(
        found ? .isMTPKey : .isNoMTPKey, step: .isMTPKey,
        "isMTPKey('\(name)') is \(found) with \(Wording.count(count, "decoder layer"))")
    }
    return true
  }

  private static let mtpAddition = AdapterLaw(
    "mtp-addition",
    statement: "a checkpoint's other tensors are loaded alike with and without its MTP layers",
    reason: "whether a file ships MTP layers must not change the model that is trained",
    brokenBy: "a transformation applied anew because MTP keys are present",
    worth: "needs no oracle: a fault that the layout's own index formula shared would show here"
  ) { (trial) throws(Violation) in
    guard trial.hasDroppableMTP, trial.spec.config.mtpLayerCount > 0, trial.spec.storesMTP,
      trial.spec.lora == nil
    else { return false }
    var setup = trial.spec.setup
    setup.config = try trial.attempt(.fromHF(nil)) { try setup.config.with(mtpLayerCount: 0) }
    let without = try trial.onDisk().filter { !trial.isStoredMTP($0) }
    let session = try trial.session(for: setup)
    let found = try trial.attempt(.fromHF(nil)) { try session.fromHF(without, nil) }
    let expected = try trial.native().filter { !trial.isStoredMTP($0) }
    try trial.require(found, equals: expected, .fromHF(nil))
    return true
  }
}

extension CheckpointUnderTest {
  /// Whether the layout has multi-token prediction layers that a policy can drop.
  fileprivate var hasDroppableMTP: Bool {
    spec.config.layout.layers.prediction?.isDroppedOnLoad ?? false
  }

  /// The layer of a key of the model itself, or nil for other keys.
  func storedLayer(_ name: TensorName) -> Int? {
    let key = key(name)
    let start = key.prefix + spec.config.layout.block
    let own = spec.prefix + spec.config.layout.block
    guard key.layerText != nil, [own, spec.config.layout.toNative(own)].contains(start) else {
      return nil
    }
    return key.layer
  }

  /// Whether a key on disk belongs to a multi-token prediction layer of the model itself.
  func isStoredMTP(_ name: TensorName) -> Bool {
    storedLayer(name).map {
      spec.config.hiddenLayerCount..<spec.config.storedLayerCount ~= $0
    } ?? false
  }
}

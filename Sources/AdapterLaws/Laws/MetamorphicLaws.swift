// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

extension Laws {
  static let metamorphic = [keyOrder, sharding, expertPermutation, layerExchange, joining]

  private static let keyOrder = AdapterLaw(
    "key-order",
    statement: "the tensors that come out do not depend on the order of the keys that go in",
    reason: "files give their keys sorted as text, shard by shard, in any order",
    brokenBy: "experts stacked in the order in which they arrive",
    worth: "needs no oracle, and names the cause where `elements` shows the effect"
  ) { (trial) throws(Violation) in
    let other = try trial.onDisk().reordered(by: trial.spec.variation)
    try trial.require(trial.fromHF(other), equals: trial.native(), ordered: false, .fromHF(nil))
    return true
  }

  private static let sharding = AdapterLaw(
    "sharding",
    statement: "saving the layers' native tensors shard by shard gives what saving them all gives",
    reason: "large models are never in memory at once",
    brokenBy: "a scale or bias that looks for its weight in its own shard only"
  ) { (trial) throws(Violation) in
    let session = try trial.session(for: trial.setupForParts)
    let native = try trial.expectedNative()
    var joined = StateDict()
    for shard in try trial.split(native) {
      let saved = try trial.attempt(.toHF(nil)) { try session.toHF(shard, excluding: "", nil) }
      try trial.append(saved, to: &joined)
    }
    try trial.require(joined, equals: trial.saved(), ordered: false, .toHF(nil))
    return true
  }

  private static let expertPermutation = AdapterLaw(
    "expert-permutation",
    statement: "experts exchanged on disk are exchanged in native form, and nothing else changes",
    reason: "an expert's number is its only identity",
    brokenBy: "expert numbers sorted as text, which no round trip shows",
    worth: "needs no oracle: it would show experts sorted as text if the oracle did so, too"
  ) { (trial) throws(Violation) in
    let count = trial.spec.config.expertCount
    guard count > 1, trial.spec.lora == nil else { return false }
    let order = Array(0..<count).shuffled(by: trial.spec.variation)
    let edits = KeyEdits(layout: trial.spec.config.layout)
    let (before, native) = (try trial.onDisk(), try trial.native())
    let (onDisk, expected) = try trial.attempt(.fromHF(nil)) {
      (
        try StateDict(before.map { try edits.movingExperts($0.name, $0.tensor, to: order) }),
        try StateDict(native.map { try edits.movingExperts($0.name, $0.tensor, to: order) })
      )
    }
    // Which NaN a cast makes of another may depend on where it stands.
    try trial.require(
      trial.fromHF(onDisk), equals: expected, ordered: false,
      castTensors: trial.oracle.castTensors(of: expected), .fromHF(nil))
    return true
  }

  private static let layerExchange = AdapterLaw(
    "layer-exchange",
    statement: "two sparse layers exchanged on disk are exchanged in native form",
    reason: "a layer's number is its only identity",
    brokenBy: "layers 10 and 11 landing on layer 1; a rule for one literal layer",
    worth: "needs no oracle: it would show a rule for one layer if the oracle had it, too"
  ) { (trial) throws(Violation) in
    let config = trial.spec.config
    let sparse = config.layerKinds.indices.filter { config.layerKinds[$0] == .sparse }
    guard sparse.count > 1, trial.spec.lora == nil else { return false }
    var chosen = sparse.shuffled(by: trial.spec.variation)
    // Layers of other sizes have tensors of other shapes.
    chosen = chosen.filter { config.layerClass($0) == config.layerClass(chosen[0]) }
    guard chosen.count > 1 else { return false }
    let edits = KeyEdits(layout: config.layout)
    let exchange = { (name: TensorName) in
      edits.exchangingLayers(name, chosen[0], chosen[1], prefix: trial.spec.prefix)
    }
    let layout = config.layout
    let exchangeNatively = { (name: TensorName) in layout.toNative(exchange(layout.toDisk(name))) }
    let (onDisk, native) = (try trial.onDisk(), try trial.native())
    let (exchanged, expected) = try trial.attempt(.fromHF(nil)) {
      (
        try StateDict(onDisk.map { (exchange($0.name), $0.tensor) }),
        try StateDict(native.map { (exchangeNatively($0.name), $0.tensor) })
      )
    }
    try trial.require(trial.fromHF(exchanged), equals: expected, ordered: false, .fromHF(nil))
    return true
  }

  private static let joining = AdapterLaw(
    "joining",
    statement: "the layers of a checkpoint loaded part by part give what loading them all gives",
    reason: "a layer's tensors do not depend on those of others",
    brokenBy: "state kept from one call to the next; experts of two layers in one group"
  ) { (trial) throws(Violation) in
    let session = try trial.session(for: trial.setupForParts)
    var joined = StateDict()
    for part in try trial.split(trial.onDisk()) {
      let native = try trial.attempt(.fromHF(nil)) { try session.fromHF(part, nil) }
      try trial.append(native, to: &joined)
    }
    try trial.require(joined, equals: trial.native(), ordered: false, .fromHF(nil))
    return true
  }
}

extension CheckpointUnderTest {
  /// The class of a tensor in reports.
  func tensorClass(_ name: TensorName) -> String {
    TensorClass.of(name, spec.config.layout).rawValue
  }

  /// The setup of an adapter that is given parts of a checkpoint.
  var setupForParts: AdapterSetup {
    var setup = spec.setup
    setup.options.completeness = .presentGroups
    return setup
  }

  /// Two parts of a state dict, whole layers each.
  func split(_ stateDict: StateDict) throws(Violation) -> [StateDict] {
    let isOdd = stateDict.map { name, _ in
      UInt64(truncatingIfNeeded: key(name).layer ?? 0) &+ spec.variation
        & 1 == 1
    }
    let parts = [false, true].map { part in
      zip(stateDict, isOdd).lazy.filter { $0.1 == part }.map { ($0.0.name, $0.0.tensor) }
    }
    return try attempt(.fromHF(nil)) {
      try parts.map { try StateDict($0) }.filter { !$0.isEmpty }
    }
  }

  func append(_ part: StateDict, to whole: inout StateDict) throws(Violation) {
    if let name = part.names.first(where: { whole[$0] != nil }) {
      throw Violation(
        .keyTwice, place: tensorClass(name), step: .toHF(nil),
        "'\(name)' comes out of two parts of one state dict")
    }
    do {
      for (name, tensor) in part { try whole.insert(tensor, named: name) }
    } catch {
      throw Violation(.keyTwice, step: .toHF(nil), "\(error)")
    }
  }
}

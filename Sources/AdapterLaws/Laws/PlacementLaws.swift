// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Laws that compare both conversions with the index formula, one aspect each.
extension Laws {
  static let placement = [keys, types, shapes, elements, rounding, order]

  private static let keys = AdapterLaw(
    "keys",
    statement: "the keys that come out are those of the layout, each once, in both directions",
    reason: "a missing key is a random weight, a surplus one is a weight nobody reads",
    brokenBy: "a rename missed or not anchored; a class of tensors without a mapping",
    worth: "the first to notice most faults, and in the fewest words"
  ) { (trial) throws(Violation) in
    try trial.requireNone { $0.ofKeys }
  }

  private static let types = AdapterLaw(
    "types",
    stated: { FormulaText($0).types },
    reason: "the router's bias is float32 on purpose: in bfloat16 it chooses other experts",
    brokenBy: "the router's bias cast with the rest",
    worth: "says that a type is wrong before any element is compared"
  ) { (trial) throws(Violation) in
    try trial.requireNone { $0.ofTensors { $0.kind == .dtype } }
  }

  private static let shapes = AdapterLaw(
    "shapes",
    stated: { FormulaText($0).shapes },
    reason: "a kernel that gets another shape of as many elements computes nonsense",
    brokenBy: "a matrix not transposed; a local shape taken for the global one",
    worth: "says that a shape is wrong before any element is compared"
  ) { (trial) throws(Violation) in
    try trial.requireNone { $0.ofTensors { $0.kind == .shape } }
  }

  private static let elements = AdapterLaw(
    "elements",
    stated: { FormulaText($0).elements },
    reason: "a fault made alike in both directions survives every round trip",
    brokenBy: "halves exchanged both ways; a square matrix transposed neither way"
  ) { (trial) throws(Violation) in
    try trial.requireNone { mismatch in
      mismatch.ofTensors { $0.count > 0 && !trial.isCast($0.name) }
    }
  }

  private static let rounding = AdapterLaw(
    "rounding",
    statement: "experts are cast by rounding to nearest, ties to even; zeros keep their sign",
    reason:
      "truncation shifts every weight in one direction, and a sign that is lost never comes back",
    brokenBy: "a cast by cutting bits off, or through a third type",
    worth: "checks elements that are cast, which `elements` leaves out"
  ) { (trial) throws(Violation) in
    let casts = try trial.expectedNative().names.contains { trial.isCast($0) }
    return try trial.requireNone { mismatch in
      mismatch.ofTensors { $0.count > 0 && trial.isCast($0.name) }
    } && casts
  }

  private static let order = AdapterLaw(
    "order",
    statement: "keys come out in upstream's order: a group stands where its last expert stood",
    reason: "shards are filled in this order, so another one makes other files",
    brokenBy: "a group appended at the end, or placed at its first expert"
  ) { (trial) throws(Violation) in
    try trial.requireNone { $0.ofOrder }
  }
}

extension CheckpointUnderTest {
  /// Whether a native tensor has another type than the experts it is made of.
  func isCast(_ name: TensorName) -> Bool {
    oracle.isCast(name)
  }

  /// Throws if either conversion differs from the index formula in one aspect.
  fileprivate func requireNone(_ aspect: (Mismatch) -> Mismatch?) throws(Violation) -> Bool {
    if let mismatch = try loadMismatch().flatMap(aspect) {
      let expected = try expectedNative()
      let evidence = Violation.Evidence(
        expected: expected, found: try native(),
        castTensors: oracle.castTensors(of: expected))
      throw Violation(mismatch, .fromHF(nil), evidence, spec.config.layout)
    }
    if let mismatch = try saveMismatch().flatMap(aspect) {
      throw Violation(
        mismatch, .toHF(nil), .init(expected: try expectedSaved(), found: try saved()),
        spec.config.layout)
    }
    return true
  }
}

extension Laws {
  static let conservation = [parameters, bytes]

  private static let parameters = AdapterLaw(
    "parameters",
    statement:
      "as many elements come out as go in, apart from MTP layers that are dropped, and padding",
    reason: "a model's parameter count is published, and a count needs no oracle",
    brokenBy: "an expert left out; a tensor under two names",
    worth: "a count needs no oracle, and is checked against published numbers"
  ) { (trial) throws(Violation) in
    guard trial.spec.lora == nil else { return false }
    let kept = try trial.onDisk().filter { !trial.dropsMTP || !trial.isStoredMTP($0) }
    func withoutPadding(_ stateDict: StateDict) -> Int {
      stateDict.reduce(0) { $0 + trial.countOnLoad($1.name, $1.tensor) }
    }
    try trial.require(count(trial.native()), withoutPadding(kept), .elementCount, .fromHF(nil))
    try trial.require(
      withoutPadding(trial.saved()), count(trial.expectedNative()), .elementCount, .toHF(nil))
    return true
  }

  private static let bytes = AdapterLaw(
    "bytes",
    statement: "as many bytes come out as go in, apart from dropped layers and cast experts",
    reason: "memory is planned from the size of the file",
    brokenBy: "a tensor cast that should keep its type",
    worth: "a count needs no oracle, and is what memory is planned by"
  ) { (trial) throws(Violation) in
    guard trial.spec.lora == nil else { return false }
    var expected = 0
    for (name, tensor) in try trial.onDisk() where !trial.dropsMTP || !trial.isStoredMTP(name) {
      let dtype = trial.typeOnLoad(name, tensor.dtype)
      expected += trial.countOnLoad(name, tensor) * dtype.byteCount
    }
    let found = try trial.native().reduce(0) { $0 + $1.tensor.byteCount }
    try trial.require(found, expected, .byteCount, .fromHF(nil))
    return true
  }

  private static func count(_ stateDict: StateDict) -> Int {
    stateDict.reduce(0) { $0 + $1.tensor.shape.elementCount }
  }
}

extension CheckpointUnderTest {
  /// The type that loading gives a tensor on disk.
  fileprivate func typeOnLoad(_ name: TensorName, _ own: DType) -> DType {
    let layout = spec.config.layout
    let kept = layout.loaded(own, asked: spec.options.targetDType)
    guard case .tensor(let tensor) = key(name).subject else { return kept }
    guard case .part(let group, _) = layout.tensors[tensor].native else {
      return layout.tensors[tensor].loadedType ?? kept
    }
    return layout.groups[group].isCast ? layout.target(spec.options.targetDType) : kept
  }

  /// The number of elements that loading keeps of a tensor on disk.
  fileprivate func countOnLoad(_ name: TensorName, _ tensor: Tensor) -> Int {
    let (layout, key) = (spec.config.layout, key(name))
    guard case .tensor(let position) = key.subject, layout.tensors[position].isCropped,
      let layer = key.layer
    else { return tensor.shape.elementCount }
    let all = spec.config.values(isGated: spec.options.activation.isGated)
    let extents = layout.tensors[position].nativeExtents(spec.config.values(all, ofLayer: layer))
    return extents?.reduce(1, *) ?? tensor.shape.elementCount
  }

  fileprivate func require(
    _ found: Int, _ expected: Int, _ kind: Violation.Kind, _ step: ConversionStep
  ) throws(Violation) {
    guard found != expected else { return }
    let what = kind == .byteCount ? "bytes" : "elements"
    throw Violation(
      kind, step: step, "\(expected) \(what) should come out, and \(found) do")
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

extension AdapterLaws {
  static let conservation = [parameters, bytes]

  private static let parameters = AdapterLaw(
    "parameters",
    statement: "as many elements come out as go in, apart from MTP layers that are dropped",
    reason: "a model's parameter count is published, and a count needs no oracle",
    brokenBy: "an expert left out; a tensor under two names",
    worth: "a count needs no oracle, and is checked against published numbers"
  ) { (trial) throws(Violation) in
    guard trial.spec.lora == nil else { return false }
    let kept = try trial.onDisk().filter { !trial.dropsMTP || !trial.isStoredMTP($0) }
    try trial.require(count(trial.native()), count(kept), "elements", .fromHF(nil))
    try trial.require(count(trial.saved()), count(trial.expectedNative()), "elements", .toHF(nil))
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
    let spec = trial.spec
    var expected = 0
    for (name, tensor) in try trial.onDisk() where !trial.dropsMTP || !trial.isStoredMTP(name) {
      let width =
        trial.isCastOnLoad(name) ? spec.options.targetDType.byteCount : tensor.dtype.byteCount
      expected += tensor.shape.elementCount * width
    }
    let found = try trial.native().reduce(0) { $0 + $1.tensor.byteCount }
    try trial.require(found, expected, "bytes", .fromHF(nil))
    return true
  }

  private static func count(_ stateDict: StateDict) -> Int {
    stateDict.reduce(0) { $0 + $1.tensor.shape.elementCount }
  }
}

extension Trial {
  /// Whether a tensor on disk becomes part of a native one that is cast.
  fileprivate func isCastOnLoad(_ name: TensorName) -> Bool {
    let layout = spec.config.layout
    guard case .tensor(let tensor) = key(name).subject,
      case .part(let group, _) = layout.tensors[tensor].native
    else { return false }
    return layout.groups[group].isCast
  }

  fileprivate func require(
    _ found: Int, _ expected: Int, _ what: String, _ step: ConversionStep
  ) throws(Violation) {
    guard found != expected else { return }
    throw Violation(
      "count of \(what)", step: step, "\(expected) \(what) should come out, and \(found) do")
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
import Layouts
import Tensors

extension AdapterLaws {
  static let saving = [streaming, exclusion]

  private static let streaming = AdapterLaw(
    "streaming",
    statement: "native tensors saved one at a time give what saving them all gives, order included",
    reason: "distributed saving takes the path of single tensors, which is the less tested one",
    brokenBy: "a path for single tensors without the renames, or without the exclusion"
  ) { (trial) throws(Violation) in
    let native = try trial.expectedNative()
    // A pattern is compiled for each tensor, which costs more than it tells on every case.
    let exclusion = trial.spec.variation % 4 == 0 ? trial.spec.exclusion : .none
    let whole =
      exclusion == .none
      ? try trial.saved() : try trial.toHF(native, excluding: exclusion, step: .excluding)
    let session = try trial.session()
    let pieces = try trial.attempt(.streaming) {
      try session.convertTensorsToHF(
        native, excluding: exclusion.pattern(in: trial.spec.config.layout), nil)
    }
    if let twice = firstRepeated(pieces.map(\.name)) {
      throw Violation(
        "key twice", place: trial.tensorClass(twice), step: .streaming,
        "saving tensor by tensor gives the key '\(twice)' twice")
    }
    let joined = try trial.attempt(.streaming) {
      try StateDict(pieces.map { ($0.name, $0.tensor) })
    }
    try trial.require(joined, equals: whole, .streaming)
    return true
  }

  private static let exclusion = AdapterLaw(
    "exclusion",
    statement: "saving with a pattern gives what saving gives, without the keys on disk it matches",
    reason: "the pattern is written by people who look at the names on disk",
    brokenBy: "the pattern tested on the native name, before experts are split, or anywhere in it",
    worth: "says it of whole state dicts; `streaming` compares one wrong result with another"
  ) { (trial) throws(Violation) in
    let exclusion = trial.spec.exclusion
    guard exclusion != .none else { return false }
    let layout = trial.spec.config.layout
    let expected = try trial.saved().filter { !exclusion.excludes($0, in: layout) }
    let found = try trial.toHF(trial.expectedNative(), excluding: exclusion, step: .excluding)
    try trial.require(found, equals: expected, .excluding)
    return true
  }

  private static func firstRepeated(_ names: [TensorName]) -> TensorName? {
    var seen: Set<TensorName> = []
    return names.first { !seen.insert($0).inserted }
  }
}

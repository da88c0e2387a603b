// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Safetensors
import Tensors

extension Laws {
  static let roundTrips = [roundTrip, roundTripWithoutMTP, nativeRoundTrip, files]

  private static let roundTrip = AdapterLaw(
    "round-trip",
    statement: "toHF(fromHF(x)) == x, bit for bit, with every layer, where experts are not cast",
    reason: "a checkpoint that is loaded and saved without training must not change",
    brokenBy: "every expert written over the same key; a key that is never written",
    worth: "needs no oracle, and is what users understand first"
  ) { (trial) throws(Violation) in
    guard try trial.comesBackWhole(), !trial.dropsMTP else { return false }
    try trial.require(trial.returned(), equals: trial.onDisk(), ordered: false, .roundTrip)
    return true
  }

  private static let roundTripWithoutMTP = AdapterLaw(
    "round-trip-without-mtp",
    statement: "where the policy drops MTP layers, toHF(fromHF(x)) == x without their keys",
    reason: "a policy about some layers must not touch the others",
    brokenBy: "an MTP filter by a literal layer number, or one off at the boundary",
    worth: "the round trip of checkpoints that the law before says nothing about"
  ) { (trial) throws(Violation) in
    guard try trial.comesBackWhole(), trial.dropsMTP else { return false }
    let kept = try trial.onDisk().filter { !trial.isStoredMTP($0) }
    try trial.require(trial.returned(), equals: kept, ordered: false, .roundTrip)
    return true
  }

  private static let nativeRoundTrip = AdapterLaw(
    "native-round-trip",
    statement: "fromHF(toHF(n)) == n, bit for bit",
    reason: "what was trained must be what the next run loads",
    brokenBy: "an exported layout that the loader reads in another way",
    worth: "needs no oracle: what is trained must be what is loaded again"
  ) { (trial) throws(Violation) in
    let native = try trial.expectedNative()
    let again = try trial.fromHF(trial.saved())
    try trial.require(again, equals: native, ordered: false, .roundTrip)
    return true
  }

  private static let files = AdapterLaw(
    "files",
    statement: "the safetensors file written after a round trip has the original's bytes",
    reason: "checksums of published files are how people notice change",
    brokenBy: "metadata, types or names that differ where tensors compare equal",
    worth: "looks at bytes of a file, where all others look at tensors"
  ) { (trial) throws(Violation) in
    guard try trial.comesBackWhole(), !trial.dropsMTP else { return false }
    let original = try trial.serialized(trial.onDisk())
    let returned = try trial.serialized(trial.returned())
    guard
      let place = zip(original, returned).enumerated().first(where: { $1.0 != $1.1 })?.offset
        ?? (original.count == returned.count ? nil : min(original.count, returned.count))
    else { return true }
    throw Violation(
      .fileBytes, step: .roundTrip,
      evidence: .init(expected: try trial.onDisk(), found: try trial.returned()),
      "the file of \(original.count) bytes differs from byte \(place) on")
  }
}

extension CheckpointUnderTest {
  /// Whether a round trip should give what it was given: nothing cast, no fused factors, which
  /// come back one for each expert.
  func comesBackWhole() throws(Violation) -> Bool {
    let layout = spec.config.layout
    if layout.castsAll != nil {
      for (_, tensor) in try onDisk()
      where layout.loaded(tensor.dtype, asked: spec.options.targetDType) != tensor.dtype {
        return false
      }
    }
    let castsExperts =
      spec.extent != .loraOnly && layout.groups.contains(where: \.isCast)
      && spec.types.experts != layout.target(spec.options.targetDType)
    let castsOthers =
      spec.extent == .wholeModel && layout.tensors.contains(where: oracle.forcesType)
    return !castsExperts && !castsOthers && (spec.lora.map { $0.layout == .perExpert } ?? true)
  }

  /// Whether keys of the checkpoint leave on load.
  var dropsMTP: Bool {
    oracle.dropsMTP && spec.storesMTP && spec.config.mtpLayerCount > 0
  }

  func serialized(_ stateDict: StateDict) throws(Violation) -> [UInt8] {
    try attempt(.roundTrip) { try SafetensorsFile.serialize(stateDict) }
  }
}

extension Laws {
  static let saving = [streaming, streamingAfresh, exclusion]

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
    let pieces = try trial.streamed(native, excluding: exclusion, by: trial.session())
    try trial.require(pieces, equals: whole.filter { !trial.isCut($0) }, .streaming)
    return true
  }

  private static let streamingAfresh = AdapterLaw(
    "streaming-afresh",
    statement: "an adapter that has loaded nothing saves native tensors one at a time all the same",
    reason: "a trainer sends weights to serving engines by adapters that never loaded a checkpoint",
    brokenBy: "a prefix or a list of layers that is noted down on load and read on save"
  ) { (trial) throws(Violation) in
    // It costs a conversion of every tensor.
    guard trial.spec.variation % 4 == 0 else { return false }
    let session = try trial.session(for: trial.spec.setup)
    let native = try trial.expectedNative()
    let pieces = try trial.streamed(native, by: session)
    let whole = try trial.attempt(.toHF(nil)) { try session.toHF(native, excluding: "", nil) }
    try trial.require(
      pieces, equals: whole.filter { !trial.isCut($0) }, ordered: false, .streaming)
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
    let isExcluded = exclusion.excludes(in: trial.spec.config.layout)
    let expected = try trial.saved().filter { !isExcluded($0) }
    let found = try trial.toHF(trial.expectedNative(), excluding: exclusion, step: .excluding)
    try trial.require(found, equals: expected, .excluding)
    return true
  }
}

extension CheckpointUnderTest {
  /// Whether a key is that of a tensor that is cut into native pieces, or of a piece.
  fileprivate func isCut(_ name: TensorName) -> Bool { key(name).isCut(spec.config.layout) }

  /// What is saved of native tensors one at a time, each key of which comes once; not of pieces, none of which
  /// is a tensor on disk.
  fileprivate func streamed(
    _ native: StateDict, excluding exclusion: Exclusion = .none, by session: any AdapterSession
  ) throws(Violation) -> StateDict {
    let pieces = try attempt(.streaming) {
      try session.convertTensorsToHF(
        native.filter { !isCut($0) }, excluding: exclusion.pattern(in: spec.config.layout),
        nil)
    }
    var seen: Set<TensorName> = []
    if let twice = pieces.map(\.name).first(where: { !seen.insert($0).inserted }) {
      throw Violation(
        .keyTwice, place: tensorClass(twice), step: .streaming,
        "saving tensor by tensor gives the key '\(twice)' twice")
    }
    return try attempt(.streaming) { try StateDict(pieces.map { ($0.name, $0.tensor) }) }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
import Dispatch
import Layouts
import Synchronization
import Tensors

extension Laws {
  static let repetition = [inputUnchanged, repeatable, concurrent]

  private static let inputUnchanged = AdapterLaw(
    "input-unchanged",
    statement: "neither conversion mutates its input, even through aliases in its result",
    reason: "the caller still holds the tensors, and other models may share them",
    brokenBy: "a key written into the caller's dict; a cast in place"
  ) { (trial) throws(Violation) in
    _ = try trial.returned()
    let before = try trial.attempt(.fromHF(nil)) { try trial.checkpoint.stateDict() }
    try trial.requireUnchanged(trial.onDisk(), before, .fromHF(nil))
    let native = try trial.expectedNative()
    _ = try trial.saved()
    try trial.requireUnchanged(native, trial.oracle.native(of: before), .toHF(nil))
    if let name = try trial.session().changedInputs.first {
      throw Violation(
        .inputChanged, place: trial.tensorClass(name), step: .roundTrip,
        "the adapter changed its input '\(name)'")
    }
    return true
  }

  private static let repeatable = AdapterLaw(
    "repeatable",
    statement: "an adapter gives the same again, also after it was used for something else",
    reason: "one adapter serves loading, saving and reloading for a whole run",
    brokenBy: "buffers or marks of loaded keys kept between calls",
    worth: "names the cause where other laws show what came of an earlier call"
  ) { (trial) throws(Violation) in
    let first = try trial.native()
    _ = try trial.fromHF(trial.onDisk().reordered(by: trial.spec.variation))
    _ = try trial.saved()
    try trial.require(trial.fromHF(trial.onDisk()), equals: first, .fromHF(nil))
    try trial.require(trial.toHF(trial.expectedNative()), equals: trial.saved(), .toHF(nil))
    let fresh = try trial.session(for: trial.spec.setup)
    let onDisk = try trial.onDisk()
    let again = try trial.attempt(.fromHF(nil)) { try fresh.fromHF(onDisk, nil) }
    try trial.require(again, equals: first, .fromHF(nil))
    return true
  }

  private static let concurrent = AdapterLaw(
    "concurrent",
    statement: "conversions that run at the same time give what they give alone",
    reason: "loaders convert several files at once",
    brokenBy: "scratch memory shared by all calls",
    worth:
      "races do not show on every run, so that no planted fault may rest on them; an adapter "
      + "with scratch memory breaks this law in the tests"
  ) { (trial) throws(Violation) in
    // Threads cost more than they tell on every case.
    guard trial.spec.variation % 8 == 0 else { return false }
    let (session, onDisk, native) = (try trial.session(), try trial.onDisk(), try trial.native())
    let results = Mutex<[Result<StateDict, any Error>]>([])
    DispatchQueue.concurrentPerform(iterations: 3) { _ in
      let result = Result { try session.fromHF(onDisk, nil) }
      results.withLock { $0.append(result) }
    }
    for result in results.withLock({ $0 }) {
      let found = try trial.attempt(.fromHF(nil)) { try result.get() }
      try trial.require(found, equals: native, .fromHF(nil))
    }
    return true
  }
}

extension CheckpointUnderTest {
  fileprivate func requireUnchanged(
    _ after: StateDict, _ before: StateDict, _ step: ConversionStep
  ) throws(Violation) {
    guard let mismatch = Mismatch(expected: before, found: after) else { return }
    throw Violation(
      .inputChanged, place: mismatch.place(in: spec.config.layout), step: step,
      evidence: .init(expected: before, found: after),
      "the adapter changed its input: \(mismatch.summary)")
  }
}

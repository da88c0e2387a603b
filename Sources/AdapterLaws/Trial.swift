// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Adapters
public import CheckpointGenerators
import Layouts
public import Tensors

/// One checkpoint under one adapter, with conversions that several laws look at made once.
///
/// A trial belongs to the thread that made it.
public final class Trial {
  /// What the checkpoint follows from.
  public let spec: CheckpointSpec
  /// The checkpoint on disk.
  public let checkpoint: Checkpoint
  /// What is right.
  let oracle: LayoutOracle
  /// The adapter.
  public let adapter: any AdapterUnderTest
  private var made: (any AdapterSession)?
  private var results = Results()
  private var comparisons = Comparisons()
  /// The keys that laws have looked at.
  private var keys: [TensorName: LenientKey] = [:]

  /// State dicts that are made when first asked for; a violation is made once, too.
  struct Results {
    var onDisk: Result<StateDict, Violation>?
    var native: Result<StateDict, Violation>?
    var returned: Result<StateDict, Violation>?
    var expectedNative: Result<StateDict, Violation>?
    var expectedSaved: Result<StateDict, Violation>?
    var saved: Result<StateDict, Violation>?
  }

  /// Comparisons with what is right, made when first asked for; nil inside where there is no
  /// difference.
  struct Comparisons {
    var load: Mismatch??
    var save: Mismatch??
  }

  /// Creates a trial.
  ///
  /// - Parameter onDisk: A checkpoint that comes from elsewhere and fits the spec, instead of the one
  ///   that follows from it.
  public init(
    _ spec: CheckpointSpec, _ adapter: any AdapterUnderTest, onDisk: StateDict? = nil
  ) {
    self.spec = spec
    self.adapter = adapter
    checkpoint = Checkpoint(spec)
    oracle = LayoutOracle(spec)
    results.onDisk = onDisk.map { .success($0) }
  }

  /// A key taken apart.
  func key(_ name: TensorName) -> LenientKey {
    if let known = keys[name] { return known }
    let key = LenientKey(name, spec.config.layout)
    keys[name] = key
    return key
  }

  /// The tensors on disk.
  public func onDisk() throws(Violation) -> StateDict {
    try cached(\.onDisk) { () throws(Violation) in
      try attempt(.fromHF(nil)) { try checkpoint.stateDict() }
    }
  }

  /// The adapter made for the checkpoint's config.
  public func session() throws(Violation) -> any AdapterSession {
    if let made { return made }
    let session = try session(for: spec.setup)
    made = session
    return session
  }

  /// The adapter made for any setup.
  public func session(for setup: AdapterSetup) throws(Violation) -> any AdapterSession {
    try attempt(.fromHF(nil)) { try adapter.session(for: setup) }
  }

  /// The native form of the whole checkpoint.
  public func native() throws(Violation) -> StateDict {
    try cached(\.native) { () throws(Violation) in try fromHF(onDisk()) }
  }

  /// The checkpoint on disk again, from its native form.
  public func returned() throws(Violation) -> StateDict {
    try cached(\.returned) { () throws(Violation) in try toHF(native(), step: .roundTrip) }
  }

  /// Converts a state dict to native form; a refusal breaks the law that asked.
  public func fromHF(
    _ onDisk: StateDict, _ parallelism: ExpertParallelism? = nil
  ) throws(Violation) -> StateDict {
    let session = try session()
    return try attempt(.fromHF(parallelism)) { try session.fromHF(onDisk, parallelism) }
  }

  /// Converts a state dict to its form on disk; a refusal breaks the law that asked.
  public func toHF(
    _ native: StateDict, excluding: Exclusion = .none, _ parallelism: ExpertParallelism? = nil,
    step: ConversionStep? = nil
  ) throws(Violation) -> StateDict {
    let session = try session()
    return try attempt(step ?? .toHF(parallelism)) {
      try session.toHF(native, excluding: excluding.pattern(in: spec.config.layout), parallelism)
    }
  }

  /// Runs a step that must succeed.
  public func attempt<Value>(
    _ step: ConversionStep, _ work: () throws -> Value
  ) throws(Violation) -> Value {
    do {
      return try work()
    } catch let misbehaviour as Misbehaviour {
      throw Violation(misbehaviour, step: step)
    } catch {
      throw Violation("refused", step: step, "a valid checkpoint was refused: \(error)")
    }
  }

  func cached(
    _ result: WritableKeyPath<Results, Result<StateDict, Violation>?>,
    _ work: () throws(Violation) -> StateDict
  ) throws(Violation) -> StateDict {
    if let known = results[keyPath: result] { return try known.get() }
    do throws(Violation) {
      let value = try work()
      results[keyPath: result] = .success(value)
      return value
    } catch {
      results[keyPath: result] = .failure(error)
      throw error
    }
  }

  func compared(
    _ comparison: WritableKeyPath<Comparisons, Mismatch??>, _ work: () -> Mismatch?
  ) -> Mismatch? {
    if let known = comparisons[keyPath: comparison] { return known }
    let mismatch = work()
    comparisons[keyPath: comparison] = .some(mismatch)
    return mismatch
  }
}

extension Trial {
  /// What the native form of the checkpoint should be.
  public func expectedNative() throws(Violation) -> StateDict {
    try cached(\.expectedNative) { () throws(Violation) in
      try oracle.native(of: onDisk())
    }
  }

  /// What should be on disk after that native form is saved.
  public func expectedSaved() throws(Violation) -> StateDict {
    try cached(\.expectedSaved) { () throws(Violation) in
      try oracle.onDisk(of: expectedNative())
    }
  }

  /// What the adapter saves of the right native form, whatever it loads itself.
  public func saved() throws(Violation) -> StateDict {
    try cached(\.saved) { () throws(Violation) in try toHF(expectedNative()) }
  }

  /// How the adapter's native form differs from the right one, nil if it does not.
  func loadMismatch() throws(Violation) -> Mismatch? {
    let (found, expected) = (try native(), try expectedNative())
    return compared(\.load) {
      Mismatch(
        expected: expected, found: found, castTensors: oracle.castTensors(of: expected))
    }
  }

  /// How what the adapter saves differs from the right form on disk, nil if it does not.
  func saveMismatch() throws(Violation) -> Mismatch? {
    let (found, expected) = (try saved(), try expectedSaved())
    return compared(\.save) { Mismatch(expected: expected, found: found) }
  }

  /// What the adapter loads for one rank.
  func rankNative(_ rank: ExpertParallelism) throws(Violation) -> StateDict {
    try fromHF(onDisk(), rank)
  }
}

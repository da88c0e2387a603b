// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Adapters
public import CheckpointGenerators
public import Tensors

/// One checkpoint under one adapter, with conversions that several laws look at made once.
///
/// A trial belongs to the thread that made it.
public final class Trial {
  /// What the checkpoint follows from.
  public let spec: CheckpointSpec
  /// The checkpoint on disk.
  public let checkpoint: Checkpoint
  /// The adapter.
  public let adapter: any AdapterUnderTest
  private var onDiskCache: StateDict?
  private var sessionCache: (any AdapterSession)?
  private var nativeCache: Result<StateDict, Violation>?
  private var returnedCache: Result<StateDict, Violation>?

  /// Creates a trial.
  public init(_ spec: CheckpointSpec, _ adapter: any AdapterUnderTest) {
    self.spec = spec
    self.adapter = adapter
    checkpoint = Checkpoint(spec)
  }

  /// The tensors on disk.
  public func onDisk() throws(Violation) -> StateDict {
    if let onDiskCache { return onDiskCache }
    let made = try attempt(.fromHF(nil)) { try checkpoint.stateDict() }
    onDiskCache = made
    return made
  }

  /// The adapter made for the checkpoint's config.
  public func session() throws(Violation) -> any AdapterSession {
    if let sessionCache { return sessionCache }
    let made = try attempt(.fromHF(nil)) { try adapter.session(for: spec.setup) }
    sessionCache = made
    return made
  }

  /// The native form of the whole checkpoint.
  public func native() throws(Violation) -> StateDict {
    if let nativeCache { return try nativeCache.get() }
    let result = result { () throws(Violation) in try fromHF(onDisk()) }
    nativeCache = result
    return try result.get()
  }

  /// The checkpoint on disk again, from its native form.
  public func returned() throws(Violation) -> StateDict {
    if let returnedCache { return try returnedCache.get() }
    let result = result { () throws(Violation) in try toHF(native(), step: .roundTrip) }
    returnedCache = result
    return try result.get()
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
      try session.toHF(native, excluding: excluding.pattern, parallelism)
    }
  }

  /// Runs a step that must succeed.
  public func attempt<Value>(
    _ step: ConversionStep, _ work: () throws -> Value
  ) throws(Violation) -> Value {
    do {
      return try work()
    } catch {
      throw Violation("refused", step: step, "a valid checkpoint was refused: \(error)")
    }
  }

  private func result(
    _ work: () throws(Violation) -> StateDict
  ) -> Result<StateDict, Violation> {
    do throws(Violation) {
      return .success(try work())
    } catch {
      return .failure(error)
    }
  }
}

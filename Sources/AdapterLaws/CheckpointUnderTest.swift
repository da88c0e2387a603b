// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Adapters
public import CheckpointGenerators
import Layouts
public import Tensors

/// One checkpoint under one adapter, with conversions that several laws look at made once.
///
/// A trial belongs to the thread that made it.
public final class CheckpointUnderTest {
  /// What the checkpoint follows from.
  public let spec: CheckpointSpec
  /// The checkpoint on disk.
  public let checkpoint: Checkpoint
  /// The invalid inputs: one for each fault of the spec, and one with all, in which a refusal must name all keys.
  public private(set) lazy var invalidInputs: [FaultyCheckpoint] = {
    let isNamed = adapter.invalidInputContract == .refuses && spec.faults.count > 1
    return FaultyCheckpoint.each(of: checkpoint) + (isNamed ? [FaultyCheckpoint(checkpoint)] : [])
  }()
  /// What is right.
  let oracle: LayoutOracle
  /// The adapter.
  public let adapter: any AdapterUnderTest
  private var made: (any AdapterSession)?
  /// What was made; a violation is made once, too.
  private var results: [Made: Result<StateDict, Violation>] = [:]
  /// How the adapter's results differ from what is right, nil inside where they do not.
  private var mismatches: [Made: Mismatch?] = [:]
  /// The keys that laws have looked at.
  private var keys: [TensorName: LenientKey] = [:]

  /// What is made when first asked for, once.
  private enum Made: Hashable {
    case onDisk, native, returned, expectedNative, expectedSaved, saved
    case ofRank(ExpertParallelism)
    case expectedOfRank(ExpertParallelism)
    case valid(CheckpointFaultKind.Side)
    case converted(CheckpointFaultKind.Side)
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
    results[.onDisk] = onDisk.map { .success($0) }
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
    try cached(.onDisk) { () throws(Violation) in
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
    try cached(.native) { () throws(Violation) in try fromHF(onDisk()) }
  }

  /// The checkpoint on disk again, from its native form.
  public func returned() throws(Violation) -> StateDict {
    try cached(.returned) { () throws(Violation) in try toHF(native(), step: .roundTrip) }
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
      throw Violation(.refused, step: step, "a valid checkpoint was refused: \(error)")
    }
  }

  private func cached(
    _ made: Made, _ work: () throws(Violation) -> StateDict
  ) throws(Violation) -> StateDict {
    let result = results[made] ?? Result(catching: work)
    results[made] = result
    return try result.get()
  }

  private func compared(_ made: Made, _ work: () -> Mismatch?) -> Mismatch? {
    if let known = mismatches[made] { return known }
    let mismatch = work()
    mismatches[made] = .some(mismatch)
    return mismatch
  }
}

extension CheckpointUnderTest {
  /// What the native form of the checkpoint should be.
  public func expectedNative() throws(Violation) -> StateDict {
    try cached(.expectedNative) { () throws(Violation) in
      try oracle.native(of: onDisk())
    }
  }

  /// What should be on disk after that native form is saved.
  public func expectedSaved() throws(Violation) -> StateDict {
    try cached(.expectedSaved) { () throws(Violation) in
      try oracle.onDisk(of: expectedNative())
    }
  }

  /// What the adapter saves of the right native form, whatever it loads itself.
  public func saved() throws(Violation) -> StateDict {
    try cached(.saved) { () throws(Violation) in try toHF(expectedNative()) }
  }

  /// How the adapter's native form differs from the right one, nil if it does not.
  func loadMismatch() throws(Violation) -> Mismatch? {
    let (found, expected) = (try native(), try expectedNative())
    return compared(.native) {
      Mismatch(
        expected: expected, found: found, castTensors: oracle.castTensors(of: expected))
    }
  }

  /// How what the adapter saves differs from the right form on disk, nil if it does not.
  func saveMismatch() throws(Violation) -> Mismatch? {
    let (found, expected) = (try saved(), try expectedSaved())
    return compared(.saved) { Mismatch(expected: expected, found: found) }
  }

  /// What the adapter loads for one rank.
  func rankNative(_ rank: ExpertParallelism) throws(Violation) -> StateDict {
    try cached(.ofRank(rank)) { () throws(Violation) in try fromHF(onDisk(), rank) }
  }

  /// What one rank should load.
  func expectedNative(_ rank: ExpertParallelism) throws(Violation) -> StateDict {
    try cached(.expectedOfRank(rank)) { () throws(Violation) in
      try oracle.native(of: onDisk(), rank)
    }
  }

  /// The valid state dict that invalid ones of a side are made from.
  func valid(_ side: CheckpointFaultKind.Side) throws(Violation) -> StateDict {
    if side == .onDisk { return try onDisk() }
    return try cached(.valid(side)) { () throws(Violation) in
      try attempt(.toHF(spec.parallelism)) {
        try FaultyCheckpoint(valid: checkpoint, side: side).stateDict()
      }
    }
  }

  /// What an adapter made anew converts that state dict to.
  func converted(_ side: CheckpointFaultKind.Side) throws(Violation) -> StateDict {
    try cached(.converted(side)) { () throws(Violation) in
      try convert(valid(side), side, session(for: spec.setup))
    }
  }

  /// Converts a state dict of a side for the spec's rank.
  func convert(
    _ input: StateDict, _ side: CheckpointFaultKind.Side, _ session: any AdapterSession
  ) throws(Violation) -> StateDict {
    let rank = spec.parallelism
    return try attempt(side == .onDisk ? .fromHF(rank) : .toHF(rank)) {
      try session.convert(input, side, rank)
    }
  }
}

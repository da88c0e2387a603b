// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import AdapterLaws
public import Adapters
public import CheckpointGenerators
import Layouts
public import Tensors

/// The reference adapter with its inputs and outputs edited.
public struct FaultyAdapter: AdapterUnderTest {
  /// What an edit knows of the call beside the tensors.
  public struct Call: Sendable {
    /// What the adapter was made for.
    public let setup: AdapterSetup
    /// The rank of an expert-parallel group, if there is one.
    public let rank: ExpertParallelism?
    /// The pattern of what is left out.
    public let excluding: String
    /// What the session keeps from call to call.
    public let memory: SessionMemory

    /// Creates a call of a session that has done nothing.
    public init(setup: AdapterSetup, rank: ExpertParallelism?, excluding: String) {
      self.init(setup, rank, excluding, SessionMemory())
    }

    init(
      _ setup: AdapterSetup, _ rank: ExpertParallelism?, _ excluding: String,
      _ memory: SessionMemory
    ) {
      self.setup = setup
      self.rank = rank
      self.excluding = excluding
      self.memory = memory
    }

    /// The experts of the rank, or all.
    var own: Range<Int> {
      rank?.experts(of: setup.config.expertCount) ?? 0..<setup.config.expertCount
    }
  }

  /// Changes tensors on their way.
  public typealias Edit = @Sendable (StateDict, Call) throws -> StateDict
  /// Takes the place of a conversion, of which the session does the right one.
  public typealias Convert = @Sendable (any AdapterSession, StateDict, Call) throws -> StateDict

  /// The name shown in reports.
  public var name = "faulty"
  /// What is asked of it where its input is invalid.
  public var invalidInputContract: InvalidInputContract
  /// Edits the setup that the reference adapter is made for.
  let setup: @Sendable (AdapterSetup) throws -> AdapterSetup
  /// Edits what goes into `fromHF`.
  let onDiskIn: Edit
  /// Edits what `fromHF` gives.
  let nativeOut: Edit
  /// Edits what goes into `toHF`, whole or one tensor at a time.
  let nativeIn: Edit
  /// Edits what `toHF` gives, whole or one tensor at a time.
  let onDiskOut: Edit
  /// Takes the place of `fromHF`.
  let fromHF: Convert?
  /// Takes the place of `toHF`, but not one tensor at a time.
  let toHF: Convert?
  /// Edits what single tensors give, after the other edits.
  let streamed: Edit
  /// Takes the place of `isMTPKey`.
  let isMTPKey: (@Sendable (TensorName, AdapterSetup) -> Bool)?
  /// The keys of an input that a conversion changes in the caller's hands.
  let changes: @Sendable (StateDict, Call) -> [TensorName]

  /// Creates an adapter that is right but for the edits given.
  public init(
    setup: @escaping @Sendable (AdapterSetup) throws -> AdapterSetup = { $0 },
    onDiskIn: @escaping Edit = { dict, _ in dict },
    nativeOut: @escaping Edit = { dict, _ in dict },
    nativeIn: @escaping Edit = { dict, _ in dict },
    onDiskOut: @escaping Edit = { dict, _ in dict }, fromHF: Convert? = nil, toHF: Convert? = nil,
    streamed: @escaping Edit = { dict, _ in dict },
    isMTPKey: (@Sendable (TensorName, AdapterSetup) -> Bool)? = nil,
    changes: @escaping @Sendable (StateDict, Call) -> [TensorName] = { _, _ in [] },
    invalidInputContract: InvalidInputContract = .refuses
  ) {
    self.setup = setup
    self.onDiskIn = onDiskIn
    self.nativeOut = nativeOut
    self.nativeIn = nativeIn
    self.onDiskOut = onDiskOut
    self.fromHF = fromHF
    self.toHF = toHF
    self.streamed = streamed
    self.isMTPKey = isMTPKey
    self.changes = changes
    self.invalidInputContract = invalidInputContract
  }

  /// Creates an adapter that makes one mistake in both directions.
  init(bothWays edit: @escaping Edit) {
    self.init(nativeOut: edit, nativeIn: edit)
  }

  /// The adapter made for a config.
  public func session(for setup: AdapterSetup) throws -> any AdapterSession {
    Session(
      adapter: self, reference: ReferenceAdapter().session(for: try self.setup(setup)),
      setup: setup)
  }

  private struct Session: AdapterSession {
    let adapter: FaultyAdapter
    let reference: any AdapterSession
    let setup: AdapterSetup
    let memory = SessionMemory()

    var changedInputs: [TensorName] { memory.changedInputs }

    func fromHF(_ onDisk: StateDict, _ parallelism: ExpertParallelism?) throws -> StateDict {
      let call = Call(setup, parallelism, "", memory)
      memory.addChanged(adapter.changes(onDisk, call))
      let input = try adapter.onDiskIn(onDisk, call)
      let output =
        try adapter.fromHF?(reference, input, call) ?? reference.fromHF(input, parallelism)
      return try adapter.nativeOut(output, call)
    }

    func toHF(
      _ native: StateDict, excluding: String, _ parallelism: ExpertParallelism?
    ) throws -> StateDict {
      let call = Call(setup, parallelism, excluding, memory)
      memory.addChanged(adapter.changes(native, call))
      let input = try adapter.nativeIn(native, call)
      let output =
        try adapter.toHF?(reference, input, call)
        ?? reference.toHF(input, excluding: excluding, parallelism)
      return try adapter.onDiskOut(output, call)
    }

    func convertSingleTensorToHF(
      _ name: TensorName, _ tensor: Tensor, excluding: String, _ parallelism: ExpertParallelism?
    ) throws -> [(name: TensorName, tensor: Tensor)] {
      let call = Call(setup, parallelism, excluding, memory)
      var result = StateDict()
      for (name, tensor) in try adapter.nativeIn(StateDict([(name, tensor)]), call) {
        let parts = try reference.convertSingleTensorToHF(
          name, tensor, excluding: excluding, parallelism)
        for (name, tensor) in parts { try result.insert(tensor, named: name) }
      }
      let output = try adapter.onDiskOut(result, call)
      return Array(try adapter.streamed(output, call))
    }

    func isMTPKey(_ name: TensorName) throws -> Bool {
      try adapter.isMTPKey?(name, setup) ?? reference.isMTPKey(name)
    }
  }
}

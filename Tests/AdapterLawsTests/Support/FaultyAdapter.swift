// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Tensors

/// The reference adapter with its inputs and outputs edited.
struct FaultyAdapter: AdapterUnderTest {
  /// What an edit knows of the call beside the tensors.
  struct Call: Sendable {
    let setup: AdapterSetup
    let rank: ExpertParallelism?
    let excluding: String
  }

  typealias Edit = @Sendable (StateDict, Call) throws -> StateDict
  typealias Convert = @Sendable (any AdapterSession, StateDict, Call) throws -> StateDict

  let name = "faulty"
  /// Edits the setup that the reference adapter is made for.
  var setup: @Sendable (AdapterSetup) throws -> AdapterSetup = { $0 }
  /// Edits what goes into `fromHF`.
  var onDiskIn: Edit = { dict, _ in dict }
  /// Edits what `fromHF` gives.
  var nativeOut: Edit = { dict, _ in dict }
  /// Edits what goes into `toHF`, whole or one tensor at a time.
  var nativeIn: Edit = { dict, _ in dict }
  /// Edits what `toHF` gives, whole or one tensor at a time.
  var onDiskOut: Edit = { dict, _ in dict }
  /// Takes the place of `fromHF`.
  var fromHF: Convert?
  /// Takes the place of `toHF`, but not one tensor at a time.
  var toHF: Convert?
  /// Edits what single tensors give, after the other edits.
  var streamed: Edit = { dict, _ in dict }
  /// Takes the place of `isMTPKey`.
  var isMTPKey: (@Sendable (TensorName) -> Bool)?
  var invalidInputContract = InvalidInputContract.refuses

  func session(for setup: AdapterSetup) throws -> any AdapterSession {
    Session(
      adapter: self, reference: ReferenceAdapter().session(for: try self.setup(setup)),
      setup: setup)
  }

  private struct Session: AdapterSession {
    let adapter: FaultyAdapter
    let reference: any AdapterSession
    let setup: AdapterSetup

    func fromHF(_ onDisk: StateDict, _ parallelism: ExpertParallelism?) throws -> StateDict {
      let call = Call(setup: setup, rank: parallelism, excluding: "")
      let input = try adapter.onDiskIn(onDisk, call)
      let output =
        try adapter.fromHF?(reference, input, call) ?? reference.fromHF(input, parallelism)
      return try adapter.nativeOut(output, call)
    }

    func toHF(
      _ native: StateDict, excluding: String, _ parallelism: ExpertParallelism?
    ) throws -> StateDict {
      let call = Call(setup: setup, rank: parallelism, excluding: excluding)
      let input = try adapter.nativeIn(native, call)
      let output =
        try adapter.toHF?(reference, input, call)
        ?? reference.toHF(input, excluding: excluding, parallelism)
      return try adapter.onDiskOut(output, call)
    }

    func convertSingleTensorToHF(
      _ name: TensorName, _ tensor: Tensor, excluding: String, _ parallelism: ExpertParallelism?
    ) throws -> [(name: TensorName, tensor: Tensor)] {
      let call = Call(setup: setup, rank: parallelism, excluding: excluding)
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
      try adapter.isMTPKey?(name) ?? reference.isMTPKey(name)
    }
  }
}

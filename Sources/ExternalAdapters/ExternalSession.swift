// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import Adapters
internal import CheckpointGenerators
internal import Synchronization
internal import Tensors

/// An adapter object in a child process, which is made at the first request.
final class ExternalSession: AdapterSession {
  private let pool: ChildPool
  private let requests: SessionRequests
  private let slot = Mutex<Int?>(nil)
  private let changed = Mutex<[TensorName]>([])

  init(_ pool: ChildPool, _ setup: AdapterSetup) {
    self.pool = pool
    requests = SessionRequests(setup, session: pool.newSessionName())
  }

  deinit {
    if let slot = slot.withLock({ $0 }) { pool.leave(slot) }
  }

  func fromHF(_ onDisk: StateDict, _ parallelism: ExpertParallelism?) throws -> StateDict {
    try ask(requests.request(.fromHF, onDisk, parallelism)).tensors
  }

  func toHF(
    _ native: StateDict, excluding: String, _ parallelism: ExpertParallelism?
  ) throws -> StateDict {
    try ask(requests.request(.toHF, native, parallelism, excluding: excluding)).tensors
  }

  func convertSingleTensorToHF(
    _ name: TensorName, _ tensor: Tensor, excluding: String, _ parallelism: ExpertParallelism?
  ) throws -> [(name: TensorName, tensor: Tensor)] {
    Array(try ask(conversion(name, tensor, excluding, parallelism)).tensors)
  }

  func convertTensorsToHF(
    _ native: StateDict, excluding: String, _ parallelism: ExpertParallelism?
  ) throws -> [(name: TensorName, tensor: Tensor)] {
    let conversions = try native.map { name, tensor in
      try conversion(name, tensor, excluding, parallelism)
    }
    return try ask(conversions).flatMap { Array($0.tensors) }
  }

  func isMTPKey(_ name: TensorName) throws -> Bool { try areMTPKeys([name])[0] }

  func areMTPKeys(_ names: [TensorName]) throws -> [Bool] {
    try ask(names.map { requests.request(.isMTPKey, fqn: $0) }).map { $0.isMTP ?? false }
  }

  var changedInputs: [TensorName] { changed.withLock { $0 } }

  private func conversion(
    _ name: TensorName, _ tensor: Tensor, _ excluding: String, _ parallelism: ExpertParallelism?
  ) throws -> ProtocolRequest {
    requests.request(
      .convertSingleTensorToHF, try StateDict([(name, tensor)]), parallelism,
      excluding: excluding, fqn: name)
  }

  private func ask(_ request: ProtocolRequest) throws -> ProtocolAnswer {
    try ask([request])[0]
  }

  private func ask(_ requests: [ProtocolRequest]) throws -> [ProtocolAnswer] {
    let slot = slot.withLock { slot in
      let chosen = slot ?? pool.join()
      slot = chosen
      return chosen
    }
    let answers = try pool.ask(requests, slot: slot)
    let names = answers.flatMap(\.changedInputs)
    if !names.isEmpty {
      changed.withLock { changed in
        for name in names where !changed.contains(name) { changed.append(name) }
      }
    }
    if let refusal = answers.lazy.compactMap(\.refusal).first { throw refusal }
    return answers
  }
}

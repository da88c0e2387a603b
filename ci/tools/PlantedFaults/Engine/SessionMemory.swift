// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Synchronization
import Tensors

/// What a faulty session keeps from call to call.
public final class SessionMemory: Sendable {
  private let state = Mutex(State())

  private struct State {
    var counts: [String: Int] = [:]
    var kept: [String: StateDict] = [:]
    var rank: ExpertParallelism?
    var changed: [TensorName] = []
  }

  init() {}

  /// How often something has happened, this time included.
  func count(_ event: String) -> Int {
    state.withLock { state in
      state.counts[event, default: 0] += 1
      return state.counts[event] ?? 0
    }
  }

  /// Whether something has happened.
  func has(_ event: String) -> Bool { state.withLock { $0.counts[event] != nil } }

  /// Forgets that something has happened.
  func forget(_ event: String) { state.withLock { $0.counts[event] = nil } }

  /// What was kept under a name.
  func kept(_ name: String) -> StateDict? { state.withLock { $0.kept[name] } }

  /// Keeps tensors under a name.
  func keep(_ dict: StateDict, as name: String) { state.withLock { $0.kept[name] = dict } }

  /// The rank of the first call that had one.
  func firstRank(_ rank: ExpertParallelism?) -> ExpertParallelism? {
    state.withLock { state in
      state.rank = state.rank ?? rank
      return state.rank
    }
  }

  /// The keys of inputs that were changed in the caller's hands.
  var changedInputs: [TensorName] { state.withLock { $0.changed } }

  func addChanged(_ names: [TensorName]) {
    if !names.isEmpty { state.withLock { $0.changed += names } }
  }
}

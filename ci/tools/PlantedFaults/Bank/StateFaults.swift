// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// What an adapter keeps from call to call, needs of other shards or does to its caller.
extension FaultBank {
  static let state: [PlantedFault] = kept + apart + callers

  private static let kept: [PlantedFault] = [
    PlantedFault(
      "state-cached-load", .state, "the first result of loading is given ever after",
      cause: .fromHF(.dependsOnEarlierCalls), smallest: "expert parallelism rank 0 of 2",
      FaultyAdapter(fromHF: { session, dict, call in
        if let first = call.memory.kept("native") { return first }
        let native = try session.fromHF(dict, call.rank)
        call.memory.keep(native, as: "native")
        return native
      })),
    PlantedFault(
      "state-cached-groups", .state, "a group that was joined once is not joined anew",
      cause: .fromHF(.dependsOnEarlierCalls), smallest: "experts 2; expert parallelism rank 0 of 2",
      FaultyAdapter(nativeOut: { dict, call in
        let before = call.memory.kept("groups") ?? StateDict()
        let groups = dict.only(.experts, call)
        call.memory.keep(try before.appending(groups), as: "groups")
        return try StateDict(dict.map { ($0.name, before[$0.name] ?? $0.tensor) })
      })),
    PlantedFault(
      "state-cached-save", .state, "the first result of saving is given ever after",
      cause: .toHF(.dependsOnEarlierCalls), smallest: "excluding {stem head}\\.",
      FaultyAdapter(toHF: { session, dict, call in
        if let first = call.memory.kept("saved") { return first }
        let onDisk = try session.toHF(dict, excluding: call.excluding, call.rank)
        call.memory.keep(onDisk, as: "saved")
        return onDisk
      })),
    PlantedFault(
      "state-results-collected", .state, "tensors of an earlier load are in the next result, too",
      cause: .fromHF(.dependsOnEarlierCalls), smallest: "expert parallelism rank 0 of 2",
      FaultyAdapter(nativeOut: { dict, call in
        let all = try dict.appending(call.memory.kept("all") ?? StateDict())
        call.memory.keep(all, as: "all")
        return all
      })),
    PlantedFault(
      "state-second-load-swapped", .state, "a second load lands in the layout up before gate",
      needs: [.halves], cause: .fromHF(.dependsOnEarlierCalls), smallest: "contents tracer 0",
      FaultyAdapter(nativeOut: { dict, call in
        call.memory.count("load") > 1 ? try columns(swapped)(dict, call) : dict
      })),
    PlantedFault(
      "state-marked-as-loaded", .state, "groups that were saved count as loaded the next time",
      cause: .fromHF(.dependsOnEarlierCalls), smallest: "",
      FaultyAdapter(
        nativeOut: { dict, call in
          guard call.memory.has("saved") else { return dict }
          call.memory.forget("saved")
          return dict.without(.experts, call)
        },
        toHF: { session, dict, call in
          _ = call.memory.count("saved")
          return try session.toHF(dict, excluding: call.excluding, call.rank)
        })),
    PlantedFault(
      "state-first-rank-kept", .state, "the first rank that was asked for is every later one's",
      needs: [.groups], cause: .fromHF(.dependsOnEarlierCalls),
      smallest: "expert parallelism rank 0 of 2",
      FaultyAdapter(fromHF: { session, dict, call in
        try session.fromHF(dict, call.memory.firstRank(call.rank))
      })),
    PlantedFault(
      "state-numbers-go-on", .state, "experts of a second load are stacked one place on",
      cause: .fromHF(.dependsOnEarlierCalls), smallest: "experts 2; contents tracer 0",
      FaultyAdapter(nativeOut: { dict, call in
        let shift = call.memory.count("load") - 1
        return try dict.editing(.experts, call) { tensor in
          try tensor.permuting(axis: 0) { ($0 + shift) % tensor.shape[0] }
        }
      })),
    PlantedFault(
      "state-left-by-error", .state, "after a refusal the next load leaves the experts out",
      cause: .violation(kind: "empty", place: "state"), smallest: "fault empty",
      FaultyAdapter(fromHF: { session, dict, call in
        do {
          let native = try session.fromHF(dict, call.rank)
          guard call.memory.has("refused") else { return native }
          call.memory.forget("refused")
          return native.without(.allOfExperts, call)
        } catch {
          _ = call.memory.count("refused")
          throw error
        }
      })),
    PlantedFault(
      "state-left-by-error-save", .state, "after a refusal the next save leaves the experts out",
      cause: .violation(kind: "grouped-expert-short", place: "state"),
      smallest: "fault grouped-expert-short",
      FaultyAdapter(toHF: { session, dict, call in
        do {
          let onDisk = try session.toHF(dict, excluding: call.excluding, call.rank)
          guard call.memory.has("refused") else { return onDisk }
          call.memory.forget("refused")
          return onDisk.without(.allOfExperts, call)
        } catch {
          _ = call.memory.count("refused")
          throw error
        }
      })),
  ]

  /// Whether a call has tensors beside experts' and among them no embedding.
  private static func lacksEmbedding(_ dict: StateDict, _ call: FaultyAdapter.Call) -> Bool {
    dict.names.contains { !call.has($0, .allOfExperts) }
      && !dict.names.contains { call.has($0, .embedding) }
  }

  private static let apart: [PlantedFault] = [
    PlantedFault(
      "shard-head-with-layers-only", .state,
      "the head is loaded if the last layer is in the same call",
      cause: .violation(kind: "missing key", place: "head"), smallest: "layers 2 (0 dense)",
      FaultyAdapter(nativeOut: { dict, call in
        let last = call.setup.config.hiddenLayerCount - 1
        return dict.names.contains { call.layer($0) == last } ? dict : dict.without(.head, call)
      })),
    PlantedFault(
      "shard-experts-with-embedding-only", .state,
      "experts are loaded if the embedding is in the same call",
      cause: .violation(kind: "missing key", place: "gate and up"),
      smallest: "MTP layers 1; MTP policy preserve",
      FaultyAdapter(nativeOut: { dict, call in
        lacksEmbedding(dict, call) ? dict.without(.allOfExperts, call) : dict
      })),
    PlantedFault(
      "shard-experts-with-embedding-only-save", .state,
      "experts are saved if the embedding is in the same call",
      cause: .violation(kind: "missing key", place: "gate and up"),
      smallest: "MTP layers 1; MTP policy preserve",
      FaultyAdapter(toHF: { session, dict, call in
        let onDisk = try session.toHF(dict, excluding: call.excluding, call.rank)
        return lacksEmbedding(dict, call) ? onDisk.without(.allOfExperts, call) : onDisk
      })),
    PlantedFault(
      "shard-last-expert-of-later-layers", .state,
      "of layers after the first in a call the last expert is overwritten by the first",
      cause: .fromHF(.expertOrder(.copies(of: 0))),
      smallest: "experts 2; MTP layers 1; MTP policy preserve; contents tracer 0",
      FaultyAdapter(nativeOut: { dict, call in
        let layers = dict.only(.experts, call).names.compactMap(call.layer)
        guard let first = layers.min() else { return dict }
        return try dict.editing(where: {
          call.has($0, .experts) && call.layer($0) != first
        }) { tensor in
          try tensor.permuting(axis: 0) { $0 == tensor.shape[0] - 1 ? 0 : $0 }
        }
      })),
  ]

  private static let callers: [PlantedFault] = [
    PlantedFault(
      "input-renamed", .state, "loading writes native names into the caller's dict",
      cause: .anywhere(.inputChanged), smallest: "",
      FaultyAdapter(changes: { dict, call in
        dict.names.filter { call.has($0, .router) }
      })),
    PlantedFault(
      "input-emptied", .state, "loading takes experts out of the caller's dict",
      cause: .anywhere(.inputChanged), smallest: "",
      FaultyAdapter(changes: { dict, call in
        dict.names.filter { call.has($0, .experts) }
      })),
  ]
}

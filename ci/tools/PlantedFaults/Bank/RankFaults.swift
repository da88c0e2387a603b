// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Ranks of an expert-parallel group that load or save other experts than theirs.
extension FaultBank {
  static let ranks: [PlantedFault] = loaded + saved + besideExperts

  /// The experts that a rank takes for its own, loaded.
  private static func ranged(
    _ range: @escaping @Sendable (_ rank: Int, _ size: Int, _ experts: Int) -> [Int]
  ) -> FaultyAdapter.Convert {
    { session, dict, call in
      let right = try session.fromHF(dict, call.rank)
      guard let rank = call.rank else { return right }
      let count = call.setup.config.expertCount
      let wanted = range(rank.rank, rank.size, count).filter { 0..<count ~= $0 }
      guard wanted != Array(call.own) else { return right }
      let whole = try session.fromHF(dict, nil)
      let mine =
        wanted.isEmpty
        ? right.without(.experts, call)
        : whole.filter { name in
          call.has(name, .experts) || right[name] != nil
        }
      return try placed(
        mine.editing(.experts, call) { try $0.selecting(axis: 0, wanted) }, likeIn: dict, call,
        experts: wanted)
    }
  }

  private static func right(_ rank: Int, _ size: Int, _ count: Int) -> Range<Int> {
    (try? ExpertParallelism(rank: rank, size: size))?.experts(of: count) ?? 0..<0
  }

  private static let loaded: [PlantedFault] = [
    PlantedFault(
      "rank-remainder-to-last", .ranks, "the last rank gets all experts that are left over",
      needs: [.groups], cause: .fromHF(.expertsMissing([0])),
      smallest: "expert parallelism rank 0 of 2",
      FaultyAdapter(
        fromHF: ranged { rank, size, count in
          let share = count / size
          return Array(rank * share..<(rank == size - 1 ? count : (rank + 1) * share))
        })),
    PlantedFault(
      "rank-remainder-lost", .ranks, "experts that are left over are on no rank", needs: [.groups],
      cause: .fromHF(.expertsMissing([0])), smallest: "expert parallelism rank 0 of 2",
      FaultyAdapter(
        fromHF: ranged { rank, size, count in
          Array(rank * (count / size)..<(rank + 1) * (count / size))
        })),
    PlantedFault(
      "rank-share-rounded-up", .ranks, "each rank takes the share rounded up", needs: [.groups],
      cause: .fromHF(.expertsSurplus([3])), smallest: "experts 4; expert parallelism rank 0 of 3",
      FaultyAdapter(
        fromHF: ranged { rank, size, count in
          let share = (count + size - 1) / size
          return Array(min(count, rank * share)..<min(count, (rank + 1) * share))
        })),
    PlantedFault(
      "rank-start-without-remainder", .ranks,
      "a rank's range starts as if earlier ranks had no expert more", needs: [.groups],
      cause: .fromHF(.rankRangeShifted(by: -1)),
      smallest: "experts 2; expert parallelism rank 0 of 3; contents tracer 0",
      FaultyAdapter(
        fromHF: ranged { rank, size, count in
          let start = rank * (count / size)
          return Array(start..<start + right(rank, size, count).count)
        })),
    PlantedFault(
      "rank-zero-always", .ranks, "every rank takes itself for rank 0", needs: [.groups],
      cause: .fromHF(.keysSurplus, .experts.native), smallest: "expert parallelism rank 0 of 2",
      FaultyAdapter(fromHF: ranged { _, size, count in Array(right(0, size, count)) })),
    PlantedFault(
      "rank-backwards", .ranks, "the last rank has the first experts", needs: [.groups],
      cause: .fromHF(.expertsMissing([0])), smallest: "expert parallelism rank 0 of 2",
      FaultyAdapter(
        fromHF: ranged { rank, size, count in
          Array(right(size - 1 - rank, size, count))
        })),
    PlantedFault(
      "rank-dealt-out", .ranks, "experts are dealt out to ranks one by one", needs: [.groups],
      cause: .fromHF(.expertOverwritten(1, by: 2)),
      smallest: "experts 3; expert parallelism rank 0 of 2; contents tracer 0",
      FaultyAdapter(
        fromHF: ranged { rank, size, count in
          (0..<count).filter { $0 % size == rank }
        })),
    PlantedFault(
      "rank-ignored", .ranks, "every rank loads all experts", needs: [.groups],
      cause: .fromHF(.keysSurplus, .experts.native), smallest: "expert parallelism rank 0 of 2",
      FaultyAdapter(fromHF: ranged { _, _, count in Array(0..<count) })),
    PlantedFault(
      "rank-first-excluded", .ranks, "the first expert of a rank's range is not loaded",
      needs: [.groups], cause: .fromHF(.expertsMissing([0])),
      smallest: "expert parallelism rank 0 of 1",
      FaultyAdapter(fromHF: ranged { Array(right($0, $1, $2).dropFirst()) })),
    PlantedFault(
      "rank-end-included", .ranks, "the first expert of the next rank is loaded too",
      needs: [.groups], cause: .fromHF(.expertsSurplus([1])),
      smallest: "experts 2; expert parallelism rank 0 of 2",
      FaultyAdapter(
        fromHF: ranged { rank, size, count in
          let own = right(rank, size, count)
          return Array(own.lowerBound..<own.upperBound + 1)
        })),
    PlantedFault(
      "rank-last-excluded", .ranks, "the last expert of a rank's range is not loaded",
      needs: [.groups], cause: .fromHF(.expertsMissing([0])),
      smallest: "expert parallelism rank 0 of 1",
      FaultyAdapter(fromHF: ranged { Array(right($0, $1, $2).dropLast()) })),
  ]

  private static func renumbered(
    _ number: @escaping @Sendable (_ expert: Int, _ rank: ExpertParallelism, _ count: Int) -> Int
  ) -> FaultyAdapter {
    FaultyAdapter(onDiskOut: { dict, call in
      guard let rank = call.rank else { return dict }
      let count = call.setup.config.expertCount
      return try dict.renaming(call) { key in
        FaultSite.factors.contains(key, in: call.layout)
          ? key.name.text : key.with(expert: { number($0, rank, count) })
      }
    })
  }

  private static let saved: [PlantedFault] = [
    PlantedFault(
      "rank-save-from-zero", .ranks, "every rank numbers the experts that it saves from 0",
      needs: [.singleExperts], cause: .toHF(.localExpertNumbers),
      smallest: "experts 2; expert parallelism rank 0 of 2",
      renumbered { expert, rank, count in expert - rank.experts(of: count).lowerBound }),
    PlantedFault(
      "rank-save-offset-by-rank", .ranks, "experts are saved under the rank's number and theirs",
      needs: [.singleExperts], cause: .toHF(.renamedWrongly(to: "{key gate 1}"), .gate),
      smallest: "experts 3; expert parallelism rank 0 of 2",
      renumbered { expert, rank, count in
        expert - rank.experts(of: count).lowerBound + rank.rank
      }),
    PlantedFault(
      "rank-save-without-remainder", .ranks,
      "experts are saved as if earlier ranks had no expert more", needs: [.singleExperts],
      cause: .toHF(.localExpertNumbers), smallest: "experts 2; expert parallelism rank 0 of 3",
      renumbered { expert, rank, count in
        expert - rank.experts(of: count).lowerBound + rank.rank * (count / rank.size)
      }),
    PlantedFault(
      "rank-save-first-only", .ranks, "a rank saves its first expert only", needs: [.singleExperts],
      cause: .toHF(.expertsMissing([1])), smallest: "experts 3; expert parallelism rank 0 of 2",
      FaultyAdapter(onDiskOut: { dict, call in
        guard let rank = call.rank else { return dict }
        let first = rank.experts(of: call.setup.config.expertCount).lowerBound
        return dict.filter { name in
          call.has(name, .factors) || call.key(name).expert.map { $0 == first } ?? true
        }
      })),
  ]

  private static let besideExperts: [PlantedFault] = [
    PlantedFault(
      "rank-bias-sliced", .ranks, "a rank keeps its own experts' part of the router's bias only",
      needs: [.groups, .has(.routerBias)],
      cause: .fromHF(.wrongShape(expected: "[2]", found: "[1]"), .routerBias),
      smallest: "expert parallelism rank 0 of 2",
      FaultyAdapter(nativeOut: { dict, call in
        guard call.rank != nil else { return dict }
        return try dict.editing(.routerBias, call) {
          try $0.selecting(axis: 0, call.own.map { $0 })
        }
      })),
    PlantedFault(
      "rank-router-sliced", .ranks, "a rank keeps its own experts' rows of the router only",
      needs: [.groups], cause: .fromHF(.wrongShape(expected: "[1, 1]", found: "[0, 1]"), .router),
      smallest: "expert parallelism rank 0 of 2",
      FaultyAdapter(nativeOut: { dict, call in
        guard call.rank != nil else { return dict }
        return try dict.editing(.router, call) {
          try $0.selecting(axis: 0, call.own.map { $0 })
        }
      })),
    PlantedFault(
      "rank-others-on-first", .ranks, "ranks other than the first load experts only",
      needs: [.groups], cause: .fromHF(.keysDropped), smallest: "expert parallelism rank 0 of 2",
      FaultyAdapter(nativeOut: { dict, call in
        (call.rank?.rank ?? 0) == 0 ? dict : dict.only(.allOfExperts, call)
      })),
    PlantedFault(
      "rank-empty-groups", .ranks, "a rank without experts has grouped tensors without elements",
      needs: [.groups], cause: .fromHF(.keysSurplus, keys: ["{layer 0}{native experts}"]),
      smallest: "expert parallelism rank 0 of 2",
      FaultyAdapter(fromHF: { session, dict, call in
        let native = try session.fromHF(dict, call.rank)
        guard call.rank != nil, call.own.isEmpty else { return native }
        let whole = try session.fromHF(dict, nil)
        return try native.appending(
          whole.only(.experts, call).editing(.experts, call) { try $0.selecting(axis: 0, []) })
      })),
    PlantedFault(
      "rank-without-experts-refused", .ranks, "a rank without experts is refused", needs: [.groups],
      cause: .fromHF(.refused("")), smallest: "expert parallelism rank 0 of 2",
      FaultyAdapter(fromHF: { session, dict, call in
        guard !call.own.isEmpty else { throw MissingGroup() }
        return try session.fromHF(dict, call.rank)
      })),
    PlantedFault(
      "rank-scales-of-all", .ranks, "a rank keeps the scales of all experts", needs: [.companions],
      cause: .fromHF(.keysSurplus, .companions),
      smallest: "types f8e4m3 with scales experts -> f8e4m3; expert parallelism rank 0 of 2",
      FaultyAdapter(fromHF: { session, dict, call in
        let native = try session.fromHF(dict, call.rank)
        guard call.rank != nil else { return native }
        let whole = try session.fromHF(dict, nil)
        return try placed(
          native.appending(whole.only(.companions, call)), likeIn: dict, call, experts: call.own)
      })),
    PlantedFault(
      "rank-factors-sliced", .ranks, "a rank keeps the factors of its own experts only",
      needs: [.groups, .lora], cause: .violation(kind: "shape", place: "LoRA A"),
      smallest: withFactors(behind: "; expert parallelism rank 0 of 2"),
      FaultyAdapter(nativeOut: { dict, call in
        guard call.rank != nil else { return dict }
        return try dict.editing(.factors, call) { tensor in
          try tensor.selecting(axis: 0, call.own.map { $0 })
        }
      })),
  ]

  private struct MissingGroup: Error, CustomStringConvertible {
    let description = "stack expects a non-empty list of tensors"
  }
}

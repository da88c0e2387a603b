// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import PropertyEngine
import Synchronization

@testable import CheckpointGenerators

/// Some checkpoints of a space, as the engine draws them.
func specs(_ space: CheckpointSpace = CheckpointSpace(), count: Int, seed: UInt64 = 0)
  -> [CheckpointSpec]
{
  specs(.checkpoints(space), count: count, seed: seed)
}

/// Some checkpoints of a generator.
func specs(_ generator: Generator<CheckpointSpec>, count: Int, seed: UInt64 = 0)
  -> [CheckpointSpec]
{
  let drawn = Collector()
  let property = Property(generator) { spec, _ in
    drawn.specs.withLock { $0.append(spec) }
    return .pass
  }
  _ = property.run(Settings(examples: count, seed: seed))
  return drawn.specs.withLock { $0 }
}

private final class Collector: Sendable {
  let specs = Mutex<[CheckpointSpec]>([])
}

/// Why the reference adapter refuses a checkpoint in either direction, or nil if it does not.
func refusal(of spec: CheckpointSpec) -> String? {
  let infos = Checkpoint(spec).infos
  let planner = AdapterPlanner(spec.config, spec.options)
  do {
    let pattern = try ExclusionPattern(spec.exclusion.pattern(in: spec.config.layout))
    let ranks: [ExpertParallelism?] = spec.parallelism.map { [$0, nil] } ?? [nil]
    for rank in ranks {
      let native = try planner.fromHF(infos, expertParallelism: rank).destinations
      _ = try planner.toHF(native, excluding: pattern, expertParallelism: rank)
    }
    return nil
  } catch {
    return "\(spec): \(error)"
  }
}

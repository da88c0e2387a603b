// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Adapters
import CheckpointGenerators
import Layouts
public import Tensors

/// The way from disk to native form.
extension LayoutOracle {
  /// The native form of a valid checkpoint, for one rank or for all experts.
  ///
  /// A grouped tensor stands where the last of its members stood, LoRA groups behind all else in the
  /// order of their first factors (of the gate projection, or of the up projection if experts have no
  /// gate), and what ParamWrapper fused behind them. Where experts change their type, a NaN is
  /// expected to become any NaN; ``castTensors(of:)`` tells where.
  ///
  /// - Complexity: O(elements).
  public func native(
    of onDisk: StateDict, _ parallelism: ExpertParallelism? = nil
  ) -> StateDict {
    let keys = onDisk.names.map { OracleKey($0) }
    let own = experts(of: parallelism)
    let groups = ExpertGroups(onDisk, keys, self, own)
    var result = Collected()
    for (position, (name, tensor)) in onDisk.enumerated() {
      guard let key = keys[position] else {
        result.append(tensor, name)
        continue
      }
      if isDropped(key) { continue }
      switch key.expertPart {
      case .ofExpert(_, let projection, .weight):
        let group = key.grouped(projection == .down ? .down : .gateAndUp)
        if groups.last[group] == position, let stacked = groups.weights(group, projection) {
          result.append(stacked, group)
        }
      case .ofExpert(let expert, _, .scale):
        if own.contains(expert) { result.append(tensor, name) }
      case .ofExpert, .fused:
        break
      case .grouped, nil:
        let renamed = Self.renames.lazy.compactMap { key.replacing($0.onDisk, by: $0.native) }.first
        result.append(tensor, renamed ?? name)
      }
    }
    for (group, name) in groups.factorGroups {
      if let stacked = groups.factors(group, name) { result.append(stacked, group) }
    }
    appendFused(onDisk, keys, to: &result)
    return result.stateDict
  }

  /// The tensors of a native form that casts make.
  ///
  /// - Complexity: O(tensors).
  public func castTensors(of native: StateDict) -> Set<TensorName> {
    guard spec.types.experts != spec.options.targetDType else { return [] }
    return Set(native.names.filter(\.isGroupedWeight))
  }
}

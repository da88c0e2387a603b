// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Adapters
public import CheckpointGenerators
import Layouts
public import Tensors

/// The way from native form to disk.
extension LayoutOracle {
  /// The checkpoint on disk of a valid native form: each tensor's in place, without what is
  /// excluded.
  ///
  /// - Complexity: O(elements).
  public func onDisk(
    of native: StateDict, excluding exclusion: Exclusion = .none,
    _ parallelism: ExpertParallelism? = nil
  ) -> StateDict {
    var result = Collected()
    for (name, tensor) in native {
      for (name, part) in onDisk(of: name, tensor, excluding: exclusion, parallelism) {
        result.append(part, name)
      }
    }
    return result.stateDict
  }

  /// The tensors on disk of one native tensor: the experts of a group one after the other, their parts
  /// in the order of the table.
  ///
  /// - Complexity: O(elements).
  public func onDisk(
    of name: TensorName, _ tensor: Tensor, excluding exclusion: Exclusion = .none,
    _ parallelism: ExpertParallelism? = nil
  ) -> [(TensorName, Tensor)] {
    let all = whole(name, tensor, experts(of: parallelism))
    guard exclusion != .none else { return all }
    return all.filter { !exclusion.excludes($0.0, in: spec.config.layout) }
  }

  private func whole(
    _ name: TensorName, _ tensor: Tensor, _ own: Range<Int>
  ) -> [(TensorName, Tensor)] {
    guard let key = key(name), let meaning = meaning(native: key) else { return [(name, tensor)] }
    switch meaning {
    case .renamed(let name): return [(key.named(name), tensor)]
    case .group(let group):
      return formula(of: group, layer: key.layer, own).map { split(tensor, key, $0) { $0 } } ?? []
    case .groupFactor(let lora, let isA):
      guard tensor.shape.rank == 3,
        let formula = formula(
          of: lora, isA: isA, layer: key.layer, rank: tensor.shape[isA ? 2 : 1])
      else { return [] }
      return split(tensor, key, formula) { $0.ending(isA ? "lora_A.weight" : "lora_B.weight") }
    default: return [(name, tensor)]
    }
  }

  /// The tensors that a native tensor is made of, nothing if it has not their shape.
  private func split(
    _ tensor: Tensor, _ key: OracleKey, _ formula: NativeFormula,
    _ name: (NamePattern) -> NamePattern
  ) -> [(TensorName, Tensor)] {
    guard tensor.shape.extents == formula.shape else { return [] }
    let patterns = tensor.patterns
    let parts = formula.parts.map { part in
      (part, name(layout.tensors[part.rule].name), formula.positions(part, held: formula.experts))
    }
    func onDisk(_ part: IndexFormula, _ name: NamePattern, _ positions: [Int], _ expert: Int)
      -> (TensorName, Tensor)?
    {
      formula.distance(part, expert: name.hasExpert ? expert : nil).map { start in
        var extents = part.extents
        if let axis = formula.expertAxis.flatMap({ part.terms[$0].axis }) {
          extents[axis] = formula.experts.count
        }
        return (
          key.named(name.name(expert: expert)),
          Tensor(tensor.dtype, extents, patterns: positions.map { patterns[start + $0] })
        )
      }
    }
    let ofAll = parts.filter { !$0.1.hasExpert }.compactMap { onDisk($0.0, $0.1, $0.2, 0) }
    return ofAll
      + formula.experts.flatMap { expert in
        parts.filter { $0.1.hasExpert }.compactMap { onDisk($0.0, $0.1, $0.2, expert) }
      }
  }
}

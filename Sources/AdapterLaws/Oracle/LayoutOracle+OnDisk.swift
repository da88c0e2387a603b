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

  /// The tensors on disk of one native tensor: the experts of a group one after the other, gate
  /// before up.
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
    guard let key = OracleKey(name) else { return [(name, tensor)] }
    let all = 0..<spec.config.expertCount
    let inter = spec.config.moeIntermediateSize
    switch key.expertPart {
    case .grouped(.gateAndUp): return split(tensor, key, own, gateAndUp(inter), "weight")
    case .grouped(.down): return split(tensor, key, own, [(.down, 0, nil)], "weight")
    case .grouped(.gateAndUpA):
      let shared: [Part] = gateAndUp(inter).map { ($0.projection, 0, nil) }
      return split(tensor, key, all, shared, "lora_A.weight")
    case .grouped(.gateAndUpB): return split(tensor, key, all, gateAndUp(inter), "lora_B.weight")
    case .grouped(.downA): return split(tensor, key, all, [(.down, 0, nil)], "lora_A.weight")
    case .grouped(.downB): return split(tensor, key, all, [(.down, 0, nil)], "lora_B.weight")
    case .ofExpert, .fused: return [(name, tensor)]
    case nil:
      let renamed = Self.renames.lazy.compactMap { key.replacing($0.native, by: $0.onDisk) }.first
      return [(renamed ?? name, tensor)]
    }
  }

  /// A projection and which of the group's columns are its rows: from a start on, a number or all.
  private typealias Part = (projection: Projection, start: Int, count: Int?)

  private func gateAndUp(_ inter: Int) -> [Part] {
    isGated ? [(.gate, 0, inter), (.up, inter, inter)] : [(.up, 0, inter)]
  }

  /// The matrices of a group's experts: `matrix[r, c] = group[slot, c, start + r]`.
  private func split(
    _ tensor: Tensor, _ key: OracleKey, _ experts: Range<Int>, _ parts: [Part], _ suffix: String
  ) -> [(TensorName, Tensor)] {
    guard let group = Cells(tensor), tensor.shape.rank == 3, group.depth == experts.count,
      parts.allSatisfy({ $0.start + ($0.count ?? 0) <= group.columns })
    else { return [] }
    return experts.enumerated().flatMap { slot, expert in
      parts.map { projection, start, count in
        var matrix = Cells(rows: count ?? group.columns, columns: group.rows)
        for row in 0..<matrix.rows {
          for column in 0..<matrix.columns {
            matrix[row, column] = group[slot, column, start + row]
          }
        }
        return (key.member(expert, projection, suffix), matrix.matrix(tensor.dtype))
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// The tensors on disk of single experts by the grouped tensor that they become part of.
struct ExpertGroups {
  private let oracle: LayoutOracle
  private let own: Range<Int>
  private var members: [Member: Tensor] = [:]
  /// The position of the last member of a group that is in the state dict.
  private(set) var last: [TensorName: Int] = [:]
  /// LoRA groups in the order of their first factors, gate's where gate and up form one.
  private(set) var factorGroups: [(key: TensorName, name: GroupedName)] = []

  private struct Member: Hashable {
    let group: TensorName
    let expert: Int
    let projection: Projection
  }

  init(
    _ onDisk: StateDict, _ keys: [OracleKey?], _ oracle: LayoutOracle, _ own: Range<Int>
  ) {
    self.oracle = oracle
    self.own = own
    var known: Set<TensorName> = []
    for (position, (_, tensor)) in onDisk.enumerated() {
      guard let key = keys[position], !oracle.isDropped(key),
        case .ofExpert(let expert, let projection, let what) = key.expertPart,
        let grouped = key.groupedName
      else { continue }
      let group = key.grouped(grouped)
      if what == .weight {
        guard own.contains(expert) else { continue }
        last[group] = position
      } else if projection != .up || !oracle.isGated, known.insert(group).inserted {
        factorGroups.append((group, grouped))
      }
      members[Member(group: group, expert: expert, projection: projection)] = tensor
    }
  }

  /// The grouped weights of the own experts in the target type.
  func weights(_ group: TensorName, _ projection: Projection) -> Tensor? {
    let target = oracle.spec.options.targetDType
    return stack(group, own, projection == .down ? [.down] : gateAndUp, target)
  }

  /// The grouped factors of all experts; gate and up share their A.
  func factors(_ group: TensorName, _ name: GroupedName) -> Tensor? {
    let all = 0..<oracle.spec.config.expertCount
    let parts: [Projection] =
      switch name {
      case .gateAndUpA: [gateAndUp[0]]
      case .gateAndUpB: gateAndUp
      default: [.down]
      }
    let first = members[Member(group: group, expert: 0, projection: parts[0])]
    return first.flatMap { stack(group, all, parts, $0.dtype) }
  }

  private var gateAndUp: [Projection] { oracle.isGated ? [.gate, .up] : [.up] }

  /// Matrices `[rows, columns]` of experts stacked as `[experts, columns, rows of all parts]`:
  /// `stack[slot, c, r] = first[slot][r, c]` and `stack[slot, c, R + r] = second[slot][r, c]`.
  private func stack(
    _ group: TensorName, _ experts: Range<Int>, _ parts: [Projection], _ dtype: DType
  ) -> Tensor? {
    let matrices = parts.map { part in
      experts.compactMap { expert -> Cells? in
        let member = members[Member(group: group, expert: expert, projection: part)]
        guard let member, member.shape.rank == 2,
          let cast = RoundingOracle(from: member.dtype, to: dtype)
        else { return nil }
        return Cells(member)?.cast(cast)
      }
    }
    guard let first = matrices.first?.first,
      matrices.allSatisfy({ $0.count == experts.count }),
      matrices.joined().allSatisfy({ ($0.rows, $0.columns) == (first.rows, first.columns) })
    else { return nil }
    var result = Cells(
      depth: experts.count, rows: first.columns, columns: parts.count * first.rows)
    for (part, ofExperts) in matrices.enumerated() {
      for (slot, matrix) in ofExperts.enumerated() {
        for r in 0..<first.rows {
          for c in 0..<first.columns {
            result[slot, c, part * first.rows + r] = matrix[r, c]
          }
        }
      }
    }
    return result.stack(dtype)
  }
}

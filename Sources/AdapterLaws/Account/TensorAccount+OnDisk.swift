// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Where native tensors stand on disk.
extension TensorAccount {
  func onDiskPlaces(of address: TensorAddress, _ base: String) -> [Place] {
    if case .grouped(let group) = address.part { return [.split(base, group)] }
    let renames = LayoutOracle.renames.map { (from: $0.native, to: $0.onDisk) }
    return address.renamed(base, renames).map { [.whole($0)] } ?? []
  }

  /// What became of one expert's slice.
  private enum SliceFate {
    case found([TensorName])
    case absent
    case overwritten(TensorName, by: TensorName)
    case changed(TensorName, TensorLoss.Change)
  }

  mutating func takeSplit(
    _ base: String, _ group: GroupedName, _ tensor: Tensor, _ address: TensorAddress
  ) -> Bool {
    let fates = sliceFates(base, group, tensor, address.name)
    var keys: [TensorName] = []
    for case .found(let names) in fates { keys += names }
    // What is found of it is found, even if the rest is not.
    let areFree = keys.map { result.claim($0, for: address.name) }
    let isWhole = fates.allSatisfy { if case .found = $0 { true } else { false } }
    return isWhole && !fates.isEmpty && areFree.allSatisfy { $0 }
  }

  /// What stands under the keys of a grouped tensor's experts; nil if there are none.
  mutating func splitLoss(
    _ base: String, _ group: GroupedName, _ tensor: Tensor, _ address: TensorAddress
  ) -> TensorLoss? {
    let fates = sliceFates(base, group, tensor, address.name)
    let offset = offset(tensor.shape.extents.first ?? 0, group)
    var absent: [Int] = []
    var overwritten: [(expert: Int, key: TensorName, other: TensorName)] = []
    var changed: [(expert: Int, key: TensorName, change: TensorLoss.Change)] = []
    for (slot, fate) in fates.enumerated() {
      switch fate {
      case .found: break
      case .absent: absent.append(slot + offset)
      case .overwritten(let key, let other): overwritten.append((slot + offset, key, other))
      case .changed(let key, let change): changed.append((slot + offset, key, change))
      }
    }
    guard absent.count < fates.count else { return nil }
    if !absent.isEmpty {
      var loss = TensorLoss(.lost, address.name)
      loss.experts = absent
      return loss
    }
    if let first = overwritten.first {
      var loss = TensorLoss(.overwritten, address.name)
      loss.experts = overwritten.map(\.expert)
      (loss.home, loss.other) = (first.key, first.other)
      return loss
    }
    guard let first = changed.first else { return nil }
    var loss = TensorLoss(.changed, address.name)
    loss.experts = changed.count < fates.count ? changed.map(\.expert) : []
    (loss.home, loss.detail) = (first.key, first.change)
    return loss
  }

  private func sliceFates(
    _ base: String, _ group: GroupedName, _ tensor: Tensor, _ name: TensorName
  ) -> [SliceFate] {
    guard tensor.shape.rank == 3, let stack = Cells(tensor), stack.count > 0 else { return [] }
    let offset = offset(stack.depth, group)
    return (0..<stack.depth).map { slot in
      let keys = Self.projections(of: group).map { projection in
        TensorName("\(base)mlp.experts.\(slot + offset).\(projection.rawValue).\(group.suffix)")
      }
      return keys.count == 1
        ? fate(keys[0], stack, slot, tensor, name)
        : pairFate(keys, stack, slot, tensor, name, isShared: group == .gateAndUpA)
    }
  }

  private static func projections(of group: GroupedName) -> [Projection] {
    switch group {
    case .down, .downA, .downB: [.down]
    case .gateAndUp, .gateAndUpA, .gateAndUpB: [.gate, .up]
    }
  }

  /// What became of a slice that stands under one key.
  private func fate(
    _ key: TensorName, _ stack: Cells, _ slot: Int, _ tensor: Tensor, _ name: TensorName
  ) -> SliceFate {
    guard let there = result.tensors[key] else { return .absent }
    if let matrix = matrix(there, tensor), matrix.rows == stack.columns,
      stack.holds(matrix, slice: slot, start: 0), result.owner(of: key) ?? name == name
    {
      return .found([key])
    }
    return instead(key, there, tensor, name, [stack.columns, stack.rows])
  }

  /// What became of a slice whose columns stand under two keys: shared by both, or the first half
  /// under one and the second under the other, or all under that.
  private func pairFate(
    _ keys: [TensorName], _ stack: Cells, _ slot: Int, _ tensor: Tensor, _ name: TensorName,
    isShared: Bool
  ) -> SliceFate {
    let parts = keys.map { result.tensors[$0] }
    let present = keys.filter { result.tensors[$0] != nil }
    guard let first = present.first else { return .absent }
    if isShared || !oracle.isGated {
      let fates = present.map { fate($0, stack, slot, tensor, name) }
      if let wrong = fates.first(where: { if case .found = $0 { false } else { true } }) {
        return wrong
      }
      return .found(present)
    }
    let columns = stack.columns
    for (key, part) in zip(keys, parts) {
      guard let part else { continue }
      let matrix = matrix(part, tensor)
      // Behind the gate's rows or up to the last; if both are off, columns are lost.
      let starts =
        key == keys[0] ? [0] : [columns - (matrix?.rows ?? 0), parts[0]?.shape.extents.first ?? 0]
      if let matrix, starts.contains(where: { stack.holds(matrix, slice: slot, start: $0) }),
        result.owner(of: key) ?? name == name
      {
        continue
      }
      return instead(key, part, tensor, name, [columns / 2, stack.rows])
    }
    let rows = parts.map { part in part.flatMap { matrix($0, tensor)?.rows } ?? 0 }
    let isHalved = rows[0] == columns / 2 || rows[1] == columns / 2
    guard isHalved, rows[0] == columns - rows[1] else {
      return .changed(first, .split(columns: columns, gate: rows[0], up: rows[1]))
    }
    return .found(present)
  }

  private func matrix(_ there: Tensor, _ tensor: Tensor) -> Cells? {
    there.shape.rank == 2 && there.dtype == tensor.dtype ? Cells(there) : nil
  }

  private func instead(
    _ key: TensorName, _ there: Tensor, _ tensor: Tensor, _ name: TensorName, _ extents: [Int]
  ) -> SliceFate {
    if let owner = result.owner(of: key), owner != name { return .overwritten(key, by: owner) }
    if let own = input[key], own == there { return .overwritten(key, by: key) }
    if there.dtype != tensor.dtype {
      return .changed(key, .type(found: there.dtype, expected: tensor.dtype))
    }
    return there.shape.extents == extents
      ? .changed(key, .elements)
      : .changed(key, .shape(found: "\(there.shape)", expected: "\(extents)"))
  }
}

extension GroupedName {
  /// What stands behind the projection in the keys of experts.
  fileprivate var suffix: String {
    switch self {
    case .gateAndUp, .down: "weight"
    case .gateAndUpA, .downA: "lora_A.weight"
    case .gateAndUpB, .downB: "lora_B.weight"
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Where tensors on disk stand in native form.
extension TensorAccount {
  func nativePlaces(of address: TensorAddress, _ base: String) -> [Place] {
    func grouped(_ name: GroupedName) -> TensorName {
      TensorName("\(base)mlp.experts.\(name.rawValue)")
    }
    switch address.part {
    case .ofExpert(let expert, let projection, let what) where what != .scale:
      let isDown = projection == .down
      let name: GroupedName =
        switch what {
        case .factorA: isDown ? .downA : .gateAndUpA
        case .factorB: isDown ? .downB : .gateAndUpB
        default: isDown ? .down : .gateAndUp
        }
      return [
        .slice(
          grouped(name), expert, projection, isFactorA: what == .factorA,
          canCast: what == .weight)
      ]
    case .fused(let isDown, let isA):
      return layouts(address, isDown: isDown, isA: isA).map { isLegacy in
        let becomesA = isA != isLegacy
        let name: GroupedName =
          isDown ? becomesA ? .downA : .downB : becomesA ? .gateAndUpA : .gateAndUpB
        return .fused(grouped(name), isA: isA, becomesA: becomesA)
      }
    default:
      let renames = LayoutOracle.renames.map { (from: $0.onDisk, to: $0.native) }
      return address.renamed(base, renames).map { [.whole($0)] } ?? []
    }
  }

  /// The layouts, legacy or not, that a fused factor's features fit, the stated one if both do, and
  /// both if none does.
  private func layouts(_ address: TensorAddress, isDown: Bool, isA: Bool) -> [Bool] {
    guard let shape = input[address.name]?.shape, shape.rank == 2 else { return [] }
    let (hidden, inter) = (oracle.spec.config.hiddenSize, oracle.spec.config.moeIntermediateSize)
    let (read, written) = isDown ? (inter, hidden) : (hidden, oracle.isGated ? 2 * inter : inter)
    let features = shape[isA ? 1 : 0]
    let fitting = [false, true].filter { isLegacy in
      features == (isA != isLegacy ? read : written)
    }
    guard fitting.count != 1 else { return fitting }
    return oracle.spec.options.paramWrapperLayout.map { [$0 == .legacy] } ?? [false, true]
  }

  /// Whether a grouped factor is a fused one: `fusedA[e * rank + k, f]`, `fusedB[f, k * experts + e]`
  /// and native `A[e, f, k]`, `B[e, k, f]`.
  mutating func isFused(_ tensor: Tensor, _ name: TensorName, isA: Bool, becomesA: Bool) -> Bool {
    let experts = oracle.spec.config.expertCount
    guard let stack = result.stack(name), result.tensors[name]?.dtype == tensor.dtype,
      tensor.shape.rank == 2, let file = Cells(tensor), stack.count == file.count,
      stack.depth == experts
    else { return false }
    let (fused, features) = isA ? (file.rows, file.columns) : (file.columns, file.rows)
    let (rank, rest) = fused.quotientAndRemainder(dividingBy: experts)
    guard rest == 0, (stack.rows, stack.columns) == (becomesA ? (features, rank) : (rank, features))
    else { return false }
    for e in 0..<experts {
      for k in 0..<rank {
        for f in 0..<features {
          let expected = isA ? file[e * rank + k, f] : file[f, k * experts + e]
          guard expected == (becomesA ? stack[e, f, k] : stack[e, k, f]) else { return false }
        }
      }
    }
    return true
  }

  mutating func takeSlice(_ place: Place, _ tensor: Tensor, _ address: TensorAddress) -> Bool {
    guard case .slice(let group, let expert, _, _, _) = place, let stack = result.stack(group),
      let position = slot(of: expert, stack, address)
    else { return false }
    return takeSlice(place, tensor, address, slot: position)
  }

  /// Notes that a matrix is in a slot, the rows of `gate_proj` from the first column on and those of
  /// `up_proj` up to the last.
  private mutating func takeSlice(
    _ place: Place, _ tensor: Tensor, _ address: TensorAddress, slot: Int
  ) -> Bool {
    guard case .slice(let group, _, let projection, let isFactorA, let canCast) = place,
      let found = result.tensors[group], let stack = result.stack(group),
      let matrix = matrix(tensor, as: found.dtype, canCast: canCast)
    else { return false }
    let start = projection == .up && !isFactorA ? stack.columns - matrix.rows : 0
    if projection == .down || isFactorA, matrix.rows != stack.columns { return false }
    let anyNaN = found.dtype == tensor.dtype ? nil : found.dtype
    guard stack.holds(matrix, slice: slot, start: start, anyNaN: anyNaN) else { return false }
    return result.claim(
      .init(group: group, number: slot),
      .init(
        columns: start..<start + matrix.rows, name: address.name, projection: projection),
      isShared: isFactorA)
  }

  /// A matrix in a grouped tensor's type; nil of tensors of other ranks and where there is no cast.
  private func matrix(_ tensor: Tensor, as dtype: DType, canCast: Bool) -> Cells? {
    guard tensor.shape.rank == 2,
      tensor.dtype == dtype || (canCast && dtype == oracle.spec.options.targetDType),
      let cast = RoundingOracle(from: tensor.dtype, to: dtype)
    else { return nil }
    return Cells(tensor)?.cast(cast)
  }

  private func slot(of expert: Int, _ stack: Cells, _ address: TensorAddress) -> Int? {
    let slot = expert - offset(stack.depth, address.groupedName)
    return (0..<stack.depth).contains(slot) ? slot : nil
  }

  /// What stands in the place of an expert's tensor.
  mutating func sliceLoss(
    _ place: Place, _ tensor: Tensor, _ address: TensorAddress
  ) -> TensorLoss? {
    guard case .slice(let group, let expert, let projection, let isFactorA, _) = place,
      let found = result.tensors[group]
    else { return nil }
    guard let stack = result.stack(group) else {
      // It holds the expert only if it holds as much as one.
      guard found.shape.elementCount >= tensor.shape.elementCount else { return nil }
      return instead(of: tensor, address.name, group, found)
    }
    if let other = elsewhere(place, tensor, address) {
      var loss = TensorLoss(.changed, address.name)
      loss.home = group
      loss.detail = .place(ofExpert: other)
      return loss
    }
    guard let number = slot(of: expert, stack, address) else { return nil }
    let slot = ConversionResult.Slot(group: group, number: number)
    blamed.insert(slot)
    let half = projection == .down || isFactorA ? stack.columns : stack.columns / 2
    let start = projection == .up && !isFactorA ? stack.columns - half : 0
    let other = result.finds(in: slot).first {
      $0.columns.overlaps(start..<start + half) && ($0.projection == projection || isFactorA)
    }
    var loss = TensorLoss(other == nil ? .changed : .overwritten, address.name)
    loss.home = group
    loss.other = other?.name ?? result.owner(of: group)
    if loss.other != nil { return loss.overwritten }
    loss.detail = change(tensor, found, stack, canCast: !isFactorA)
    return loss
  }

  private func change(
    _ tensor: Tensor, _ found: Tensor, _ stack: Cells, canCast: Bool
  ) -> TensorLoss.Change {
    if matrix(tensor, as: found.dtype, canCast: canCast) == nil, tensor.shape.rank == 2 {
      return .type(found: found.dtype, expected: tensor.dtype)
    }
    guard tensor.shape.rank == 2, tensor.shape[1] == stack.rows, tensor.shape[0] <= stack.columns
    else { return .shape(found: "\(found.shape)", expected: "\(tensor.shape)") }
    return .elements
  }

  /// The expert in whose place, where none belongs, an expert's tensor stands.
  private mutating func elsewhere(
    _ place: Place, _ tensor: Tensor, _ address: TensorAddress
  ) -> Int? {
    guard case .slice(let group, _, let projection, _, _) = place,
      let stack = result.stack(group), stack.count > 0
    else { return nil }
    for number in 0..<stack.depth {
      let slot = ConversionResult.Slot(group: group, number: number)
      let isFree = result.finds(in: slot).allSatisfy { $0.projection != projection }
      guard isFree, takeSlice(place, tensor, address, slot: number)
      else { continue }
      return number + offset(stack.depth, address.groupedName)
    }
    return nil
  }
}

extension TensorLoss {
  /// The same as a tensor in whose place another stands.
  fileprivate var overwritten: TensorLoss {
    var loss = TensorLoss(.overwritten, name)
    (loss.home, loss.other) = (home, other)
    return loss
  }
}

extension TensorAddress {
  /// The native tensor of the key's class, nil of other keys.
  var groupedName: GroupedName? { OracleKey(name)?.groupedName ?? part?.groupedName }
}

extension ExpertPart {
  /// The native tensor that holds one expert's tensor on disk.
  fileprivate var groupedName: GroupedName? {
    guard case .ofExpert(_, let projection, .weight) = self else { return nil }
    return projection == .down ? .down : .gateAndUp
  }
}

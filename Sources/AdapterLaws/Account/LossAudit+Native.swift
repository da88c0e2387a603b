// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Where tensors on disk stand in native form.
extension LossAudit {
  func nativePlaces(of address: LenientKey, _ base: String) -> [Place] {
    if let whole = NativeWhole(onDisk: address, layout), let tensor = address.tensor {
      return whole.places(layout).filter { $0.rule == tensor }.map {
        .slice(TensorName(base + whole.name(layout)), whole, $0)
      }
    }
    if let whole = cut(address) { return [.split(base, whole)] }
    guard case .fusedFactor(let lora, let isA) = address.subject else {
      return address.otherName(layout, isOnDisk: true).map { [.whole(TensorName(base + $0))] } ?? []
    }
    return layouts(address, lora: lora, isA: isA).map { isLegacy in
      let native = NativeWhole.factors(lora: lora, isA: isA != isLegacy)
      return .fused(TensorName(base + native.name(layout)), isA: isA, becomesA: isA != isLegacy)
    }
  }

  /// The tensor on disk that a key is or is a piece of, where one is cut.
  func cut(_ address: LenientKey) -> NativeWhole? {
    let values = oracle.spec.config.values(oracle.values, ofLayer: address.layer ?? 0)
    return NativeWhole(cut: address.tensor, layout, values)
  }

  /// The layouts, legacy or not, that a fused factor's features fit, the stated one if both do, and
  /// both if none does.
  private func layouts(_ address: LenientKey, lora: Int, isA: Bool) -> [Bool] {
    guard let shape = input[address.name]?.shape, shape.rank == 2,
      let group = oracle.formula(
        of: layout.lora[lora].group, layer: address.layer ?? 0, 0..<oracle.spec.config.expertCount)
    else { return [] }
    let (read, written) = (group.shape[1], group.shape[2])
    let features = shape[isA ? 1 : 0]
    let fitting = [false, true].filter { isLegacy in
      features == (isA != isLegacy ? read : written)
    }
    guard fitting.count != 1 else { return fitting }
    return oracle.spec.options.paramWrapperLayout.map { [$0 == .legacy] } ?? [false, true]
  }

  /// Notes that a tensor is in its place in a grouped one.
  mutating func takeSlice(_ place: Place, _ tensor: Tensor, _ address: LenientKey) -> Bool {
    guard case .slice(let group, let whole, let part) = place,
      let found = result.tensors[group]
    else { return false }
    let slot = slot(of: address, found.shape, whole, part)
    return takeSlice(place, tensor, address, slot: slot)
  }

  private func slot(
    of address: LenientKey, _ native: Shape, _ whole: NativeWhole, _ part: PartPlace
  ) -> Int {
    part.expertAxisOnDisk == nil ? (address.expert ?? 0) - offset(native, whole, part) : 0
  }

  private mutating func takeSlice(
    _ place: Place, _ tensor: Tensor, _ address: LenientKey, slot: Int
  ) -> Bool {
    guard case .slice(let group, let whole, let part) = place, let found = result.tensors[group],
      let expected = patterns(tensor, as: found.dtype, canCast: whole.isCast(layout)),
      let positions = part.positions(of: tensor.shape, in: found.shape, slot: slot, held: own)
    else { return false }
    let isCast = found.dtype != tensor.dtype
    let there = result.patterns(group)
    for (position, bits) in zip(positions, expected) where position >= 0 {
      guard
        there[position] == bits
          // Any NaN will do for another, since a cast made it.
          || (isCast && found.dtype.isNaN(bits) && found.dtype.isNaN(there[position]))
      else { return false }
    }
    return result.claim(positions, of: group, as: part, for: address.name)
  }

  /// The patterns of a tensor in a grouped one's type, nil where there is no cast.
  private func patterns(_ tensor: Tensor, as dtype: DType, canCast: Bool) -> [UInt64]? {
    guard tensor.dtype == dtype || (canCast && dtype == oracle.target),
      let cast = RoundingOracle(from: tensor.dtype, to: dtype)
    else { return nil }
    return cast(tensor.patterns)
  }

  /// What stands in the place of a part.
  mutating func sliceLoss(
    _ place: Place, _ tensor: Tensor, _ address: LenientKey
  ) -> TensorLoss? {
    guard case .slice(let group, let whole, let part) = place,
      let found = result.tensors[group]
    else { return nil }
    guard found.shape.rank == part.terms.count else {
      // It holds the part only if it holds as much as one.
      guard found.shape.elementCount >= tensor.shape.elementCount else { return nil }
      return instead(of: address.name, group, found)
    }
    if isElsewhere(place, tensor, address) {
      return TensorLoss(.changed, address.name, at: group)
    }
    guard found.shape.elementCount > 0 else {
      return instead(of: address.name, group, found)
    }
    let isNumbered = part.expertAxisOnDisk == nil
    let depth = part.expertAxis.map { found.shape[$0] } ?? 1
    let number = slot(of: address, found.shape, whole, part)
    guard !isNumbered || 0..<depth ~= number else { return nil }
    let slots = (isNumbered ? number..<number + 1 : 0..<depth)
      .map { ConversionResult.Slot(group: group, number: $0) }
    blamed.formUnion(slots)
    let isOthers = slots.flatMap { result.finds(in: $0) }.contains {
      $0.rule == part.rule || part.isRepeated
    }
    let isOverwritten = isOthers || result.owner(of: group) != nil
    return TensorLoss(isOverwritten ? .overwritten : .changed, address.name, at: group)
  }

  /// Whether an expert's tensor is in the place of another, where none belongs.
  private mutating func isElsewhere(
    _ place: Place, _ tensor: Tensor, _ address: LenientKey
  ) -> Bool {
    guard case .slice(let group, _, let part) = place, part.expertAxisOnDisk == nil,
      let axis = part.expertAxis, let shape = result.tensors[group]?.shape, shape.elementCount > 0
    else { return false }
    for number in 0..<shape[axis] {
      let slot = ConversionResult.Slot(group: group, number: number)
      let isFree = result.finds(in: slot).allSatisfy { $0.rule != part.rule }
      if isFree, takeSlice(place, tensor, address, slot: number) { return true }
    }
    return false
  }
}

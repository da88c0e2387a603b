// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// What came out and did not go in.
extension TensorAccount {
  mutating func addInvented() {
    for (name, tensor) in result.tensors where tensor.shape.elementCount > 0 {
      if result.owner(of: name) != nil { continue }
      let whole = NativeWhole(native: LenientKey(name, layout))
      if isFromHF, homes.contains(name), let whole,
        let place = whole.places(layout).first, place.terms.count == tensor.shape.rank
      {
        addInventedSlots(name, tensor.shape, whole, place)
      } else if !homes.contains(name), !isOfSplit(name), twin(of: tensor) == nil {
        // A tied head may repeat the embedding.
        add(TensorLoss(.invented, name))
      }
    }
  }

  /// Whether a grouped tensor has a part for a key on disk.
  private func isOfSplit(_ name: TensorName) -> Bool {
    let address = LenientKey(name, layout)
    guard !isFromHF, let whole = NativeWhole(onDisk: address, layout),
      let place = whole.places(layout).first, let base = address.plainBase(layout)
    else { return false }
    let prefixes = [address.prefix, oracle.spec.prefix, layout.prefixes[0], ""]
    let bases =
      [base] + prefixes.map { layout.start(ofLayer: address.layer ?? 0, under: $0) }
    return bases.contains { base in
      guard let shape = input[TensorName(base + whole.name(layout))]?.shape,
        shape.rank == place.terms.count
      else { return false }
      guard let expert = address.expert, let axis = place.expertAxis else { return true }
      return (0..<shape[axis]).contains(expert - offset(shape, whole, place))
    }
  }

  /// Slots, or elements of them, in which no tensor stands that went in.
  private mutating func addInventedSlots(
    _ group: TensorName, _ shape: Shape, _ whole: NativeWhole, _ place: PartPlace
  ) {
    let offset = offset(shape, whole, place)
    let depth = place.expertAxis.map { shape[$0] } ?? 1
    let size = shape.elementCount / max(1, depth)
    var experts: [Int] = []
    var parts: [Int] = []
    for number in 0..<depth {
      let slot = ConversionResult.Slot(group: group, number: number)
      if blamed.contains(slot) { continue }
      let finds = result.finds(in: slot)
      if finds.isEmpty {
        experts.append(number + offset)
      } else if !finds.contains(where: { $0.count == size }),
        finds.reduce(0, { $0 + $1.count }) < size
      {
        addGap(finds, whole, group, number + offset, &parts)
      }
    }
    for (numbers, detail) in [(experts, nil), (parts, TensorLoss.Change.part)]
    where !numbers.isEmpty {
      var loss = TensorLoss(.invented, group)
      loss.home = group
      loss.experts = numbers
      loss.detail = detail
      add(loss)
    }
  }

  /// Elements between what the parts hold belong to the one that has too few, or to no input tensor.
  private mutating func addGap(
    _ finds: [ConversionResult.Find], _ whole: NativeWhole, _ group: TensorName, _ expert: Int,
    _ invented: inout [Int]
  ) {
    let narrow = finds.min { $0.count < $1.count }
    let wanted = whole.places(layout).count { layout.tensors[$0.rule].isPresent(oracle.values) }
    guard let narrow, finds.count >= wanted, let shape = input[narrow.name]?.shape,
      let tensor = result.tensors[group]
    else {
      invented.append(expert)
      return
    }
    var loss = TensorLoss(.changed, narrow.name)
    loss.home = group
    loss.detail = .squeezed(shape, into: tensor.shape)
    add(loss)
  }
}

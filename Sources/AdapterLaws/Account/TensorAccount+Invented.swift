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
      if isFromHF, homes.contains(name), result.stack(name) != nil {
        addInventedSlots(name)
      } else if !homes.contains(name), !isOfSplit(name), twin(of: tensor) == nil {
        // A tied head may repeat the embedding.
        add(TensorLoss(.invented, name))
      }
    }
  }

  /// Whether a grouped tensor has a slice for a key of an expert.
  private func isOfSplit(_ name: TensorName) -> Bool {
    guard !isFromHF else { return false }
    let address = TensorAddress(name)
    guard case .ofExpert(let expert, _, _) = address.part, let base = address.plainBase,
      let group = OracleKey(name)?.groupedName
    else { return false }
    let prefixes = ["\(address.prefix)", oracle.spec.prefix, "model.", ""]
    let bases = [base] + prefixes.map { "\($0)layers.\(address.layer ?? 0)." }
    return bases.contains { base in
      guard let shape = input[TensorName("\(base)mlp.experts.\(group.rawValue)")]?.shape else {
        return false
      }
      guard shape.rank == 3 else { return false }
      return (0..<shape[0]).contains(expert - offset(shape[0], group))
    }
  }

  /// Slots, or columns of them, in which no tensor stands that went in.
  private mutating func addInventedSlots(_ group: TensorName) {
    guard let stack = result.stack(group) else { return }
    let name = OracleKey(group)?.expertPart
    var offset = 0
    if case .grouped(let name) = name { offset = self.offset(stack.depth, name) }
    var experts: [Int] = []
    var parts: [Int] = []
    for number in 0..<stack.depth {
      let slot = ConversionResult.Slot(group: group, number: number)
      if blamed.contains(slot) { continue }
      let finds = result.finds(in: slot)
      if finds.isEmpty {
        experts.append(number + offset)
      } else if finds.reduce(0, { $0 + $1.columns.count }) < stack.columns {
        let isShared = finds.contains { $0.columns.count == stack.columns }
        if isShared { continue }
        addGap(finds, stack, group, number + offset, &parts)
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

  /// Columns between what gate and up hold belong to the one that has too few, or to no input tensor.
  private mutating func addGap(
    _ finds: [ConversionResult.Find], _ stack: Cells, _ group: TensorName, _ expert: Int,
    _ invented: inout [Int]
  ) {
    let narrow = finds.min { $0.columns.count < $1.columns.count }
    let isPair = finds.count > 1 || !oracle.isGated
    guard let narrow, isPair, let shape = input[narrow.name]?.shape,
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

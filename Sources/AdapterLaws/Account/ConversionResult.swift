// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// What came out of a conversion, and which input tensors were found in it.
///
/// Every place is the find of one input tensor, so that of two equal ones that land on one place one
/// is missed.
struct ConversionResult {
  let tensors: StateDict
  private var whole: [TensorName: TensorName] = [:]
  private var columns: [Slot: [Find]] = [:]
  /// The grouped tensors in which slices were found, each with the first input tensor.
  private var groups: [TensorName: TensorName] = [:]
  private var stacks: [TensorName: Cells?] = [:]

  /// One expert's place in a grouped tensor.
  struct Slot: Hashable {
    let group: TensorName
    let number: Int
  }

  /// The columns of a slot that hold an input tensor.
  struct Find {
    let columns: Range<Int>
    let name: TensorName
    let projection: Projection
  }

  init(_ tensors: StateDict) {
    self.tensors = tensors
  }

  /// The patterns of a stack of matrices that came out, nil for tensors of other ranks.
  mutating func stack(_ name: TensorName) -> Cells? {
    if let known = stacks[name] { return known }
    let made = tensors[name].flatMap { $0.shape.rank == 3 ? Cells($0) : nil }
    stacks[name] = .some(made)
    return made
  }

  /// The input tensor that a whole tensor was found to be.
  func owner(of name: TensorName) -> TensorName? { whole[name] }

  /// An input tensor that was found to be a tensor or a slice of it.
  func holder(of name: TensorName) -> TensorName? { whole[name] ?? groups[name] }

  /// What was found in a slot.
  func finds(in slot: Slot) -> [Find] { columns[slot] ?? [] }

  /// Notes that a tensor is an input tensor; gives false if it is another already.
  mutating func claim(_ name: TensorName, for input: TensorName) -> Bool {
    if let owner = whole[name] { return owner == input }
    if groups[name] != nil { return false }
    whole[name] = input
    return true
  }

  /// Notes that columns of a slot are an input tensor; gives false if they are another already.
  ///
  /// - Parameter isShared: Whether another tensor of the expert may be the same.
  mutating func claim(_ slot: Slot, _ find: Find, isShared: Bool) -> Bool {
    guard whole[slot.group] == nil else { return false }
    let others = finds(in: slot)
    if others.contains(where: { $0.name == find.name }) { return true }
    guard
      others.allSatisfy({
        !$0.columns.overlaps(find.columns) || (isShared && $0.projection != find.projection)
      })
    else { return false }
    columns[slot, default: []].append(find)
    if groups[slot.group] == nil { groups[slot.group] = find.name }
    return true
  }

  /// Whether anything was found in a tensor.
  func isFound(_ name: TensorName) -> Bool { holder(of: name) != nil }
}

extension Cells {
  /// Whether some columns of a slice are a matrix's rows: `self[slice, c, start + r] == matrix[r, c]`.
  ///
  /// - Parameter anyNaN: The type in which any NaN will do for another, since a cast made it.
  func holds(_ matrix: Cells, slice: Int, start: Int, anyNaN: DType? = nil) -> Bool {
    guard (0..<depth).contains(slice), matrix.depth == 1, matrix.columns == rows, start >= 0,
      matrix.rows <= columns - start
    else { return false }
    if count == 0 || matrix.count == 0 { return true }
    for row in 0..<matrix.rows {
      for column in 0..<rows {
        let (expected, found) = (matrix[row, column], self[slice, column, start + row])
        guard expected == found || anyNaN.map({ $0.isNaN(expected) && $0.isNaN(found) }) ?? false
        else { return false }
      }
    }
    return true
  }
}

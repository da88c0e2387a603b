// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Tensors

/// Edits of state dicts and tensors that make an adapter faulty.
extension StateDict {
  /// The tensors whose names contain a text, edited; the others as they are.
  func editing(_ text: String, _ edit: (Tensor) throws -> Tensor) throws -> StateDict {
    try StateDict(
      map { ($0.name, $0.name.text.contains(text) ? try edit($0.tensor) : $0.tensor) })
  }

  /// Edited names; tensors whose names become nil are dropped, and the last of a name wins.
  func renaming(_ rename: (String) -> String?) throws -> StateDict {
    var names: [TensorName] = []
    var tensors: [TensorName: Tensor] = [:]
    for (name, tensor) in self {
      guard let text = rename(name.text) else { continue }
      let renamed = TensorName(text)
      if tensors[renamed] == nil { names.append(renamed) }
      tensors[renamed] = tensor
    }
    return try StateDict(names.map { ($0, tensors[$0] ?? self[0].tensor) })
  }

  /// The contents of each tensor taken from that of another name, types and shapes too.
  func taking(_ source: (String) -> String) throws -> StateDict {
    try StateDict(map { ($0.name, self[TensorName(source($0.name.text))] ?? $0.tensor) })
  }

  func arranged(_ arrange: ([TensorName]) -> [TensorName]) throws -> StateDict {
    try StateDict(arrange(Array(names)).compactMap { name in self[name].map { (name, $0) } })
  }
}

extension Tensor {
  /// A tensor of a shape whose elements stand at other positions of this one; zero where nil or
  /// outside.
  func reindexed(_ shape: Shape? = nil, _ source: (Int) -> Int?) throws -> Tensor {
    let positions = 0..<self.shape.elementCount
    return try Tensor(dtype, shape ?? self.shape) { index in
      guard let position = source(index), positions.contains(position) else { return 0 }
      return bits(at: position)
    }
  }

  /// A tensor whose places along an axis hold what other places held.
  func permuting(axis: Int, _ source: (Int) -> Int?) throws -> Tensor {
    try selecting(axis: axis, (0..<shape[axis]).map(source))
  }

  /// A tensor that has along an axis what stood at some places.
  func selecting(axis: Int, _ places: [Int?]) throws -> Tensor {
    var extents = shape.extents
    extents[axis] = places.count
    let inner = shape.extents[(axis + 1)...].reduce(1, *)
    let count = shape[axis]
    return try reindexed(Shape(extents)) { index in
      let place = index / inner % places.count
      let outer = index / inner / places.count
      return places[place].map { (outer * count + $0) * inner + index % inner }
    }
  }

  /// The last two axes exchanged.
  func transposed() throws -> Tensor {
    var extents = shape.extents
    extents.swapAt(extents.count - 1, extents.count - 2)
    let (rows, columns) = (extents[extents.count - 2], extents[extents.count - 1])
    return try reindexed(Shape(extents)) { index in
      let (row, column) = (index / columns % rows, index % columns)
      return index / (rows * columns) * rows * columns + column * rows + row
    }
  }

  func reshaped(_ shape: Shape) throws -> Tensor { try reindexed(shape) { $0 } }

  func cast(to dtype: DType) throws -> Tensor {
    let cast = try Cast(from: self.dtype, to: dtype)
    return try Tensor(dtype, shape) { cast(bits: bits(at: $0)) }
  }

  func mappingBits(_ map: (UInt64) -> UInt64) throws -> Tensor {
    try Tensor(dtype, shape) { map(bits(at: $0)) }
  }
}

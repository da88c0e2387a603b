// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Files
import HDF5
import OrderedCollections
import Tensors

/// A tensor whose n-th byte is (7 * n + 3) mod 256.
func tensor(_ dtype: DType, _ shape: Shape) throws(TensorError) -> Tensor {
  let count = try shape.byteCount(of: dtype)
  return try Tensor(dtype, shape, bytes: (0..<count).map { UInt8(truncatingIfNeeded: 7 * $0 + 3) })
}

/// The content of the fixture recipe.h5, in an order that is not that of the file.
func recipeContent() throws -> HDF5Group {
  var hf = HDF5Group(attributes: ["top": .number(.max)])
  hf.datasets["e\u{301}"] = HDF5Dataset(try tensor(.u8, [5]))
  hf.datasets["\u{e9}"] = HDF5Dataset(try tensor(.i64, [2, 1, 2]))
  hf.datasets["scalar"] = HDF5Dataset(try tensor(.f32, []))
  for n in (0..<12).reversed() {
    hf.datasets["layers.\(n).weight"] = HDF5Dataset(
      try tensor(.bf16, [3, n]), attributes: ["dtype": "BF16"])
  }
  var root = HDF5Group(
    attributes: ["~": "caf\u{e9}", "format": "fixture", "format_version": 3, "empty": ""])
  root.datasets["no elements"] = HDF5Dataset(
    try tensor(.f16, [0, 4]), attributes: ["dtype": "F16"])
  root.datasets["eight axes"] = HDF5Dataset(try tensor(.bool, [1, 2, 1, 2, 1, 2, 1, 2]))
  root.datasets["bytes"] = HDF5Dataset(
    try tensor(.f8E4M3, [3]),
    attributes: .init(
      uniqueKeysWithValues: (0..<8).reversed().map { ("a\($0)", .number(UInt64($0))) }))
  root.groups["hf"] = hf
  root.groups["bare"] = HDF5Group()
  return root
}

/// A small file to damage.
func smallContent() throws -> HDF5Group {
  HDF5Group(
    attributes: ["format": "fixture"],
    groups: [
      "hf": HDF5Group(datasets: [
        "a": HDF5Dataset(try tensor(.bf16, [2, 3]), attributes: ["dtype": "BF16", "n": 5]),
        "b": HDF5Dataset(try tensor(.f32, [])),
      ])
    ])
}

/// The content of a file that may be none.
func content(_ bytes: [UInt8]) throws(HDF5Error) -> HDF5Group {
  try HDF5Group(parsing: bytes, of: "a.h5")
}

/// Names, widths, shapes and attributes of everything in a group, in order.
func listing(_ group: HDF5Group, at path: String = "") -> [String] {
  ["\(path) \(group.attributes)"]
    + group.datasets.map { name, dataset in
      "\(path)/\(name) \(dataset.tensor.dtype) \(dataset.tensor.shape) \(dataset.attributes)"
    } + group.groups.flatMap { name, inner in listing(inner, at: "\(path)/\(name)") }
}

/// What is read of content that is written: tensors of the unsigned type of their width, members by
/// the UTF-8 bytes of their names.
func unsigned(_ group: HDF5Group) -> HDF5Group {
  let types: [Int: DType] = [1: .u8, 2: .u16, 4: .u32, 8: .u64]
  var result = HDF5Group(attributes: sorted(group.attributes))
  for (name, dataset) in sorted(group.datasets) {
    let tensor = types[dataset.tensor.dtype.byteCount].flatMap { dataset.tensor.viewed(as: $0) }
    result.datasets[name] = HDF5Dataset(
      tensor ?? dataset.tensor, attributes: sorted(dataset.attributes))
  }
  for (name, inner) in sorted(group.groups) { result.groups[name] = unsigned(inner) }
  return result
}

private func sorted<Value>(
  _ dictionary: OrderedDictionary<TensorName, Value>
) -> OrderedDictionary<TensorName, Value> {
  OrderedDictionary(
    uniqueKeysWithValues: dictionary.elements.sorted { $0.key < $1.key }.map { ($0, $1) })
}

/// The code of the error that a body throws, or nil.
func code(_ body: () throws(HDF5Error) -> some Any) -> HDF5Error.Code? {
  do throws(HDF5Error) {
    _ = try body()
    return nil
  } catch {
    return error.code
  }
}

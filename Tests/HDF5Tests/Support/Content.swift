// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import HDF5
import OrderedCollections
import Tensors

/// A tensor whose n-th byte is (7 * n + 3) mod 256.
func tensor(_ dtype: DType, _ shape: Shape) throws(TensorError) -> Tensor {
  let count = try shape.byteCount(of: dtype)
  return try Tensor(dtype, shape, bytes: (0..<count).map { UInt8(truncatingIfNeeded: 7 * $0 + 3) })
}

/// The content of the fixture recipe.h5, in an order that is not that of the file.
func recipeContent() throws -> HDF5Group<Tensor> {
  var hf = HDF5Group<Tensor>(attributes: ["top": .number(.max)])
  hf.datasets["e\u{301}"] = HDF5Dataset(try tensor(.u8, [5]))
  hf.datasets["\u{e9}"] = HDF5Dataset(try tensor(.i64, [2, 1, 2]))
  hf.datasets["scalar"] = HDF5Dataset(try tensor(.f32, []))
  for n in (0..<12).reversed() {
    hf.datasets["layers.\(n).weight"] = HDF5Dataset(
      try tensor(.bf16, [3, n]), attributes: ["dtype": "BF16"])
  }
  var root = HDF5Group<Tensor>(
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
func smallContent() throws -> HDF5Group<Tensor> {
  HDF5Group(
    attributes: ["format": "fixture"],
    groups: [
      "hf": HDF5Group(datasets: [
        "a": HDF5Dataset(try tensor(.bf16, [2, 3]), attributes: ["dtype": "BF16", "n": 5]),
        "b": HDF5Dataset(try tensor(.f32, [])),
      ])
    ])
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import HDF5
import OrderedCollections
import Tensors
import Testing

@Suite("Reading HDF5 files")
struct ReadingTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// What comes back of content.
  private func read(_ group: HDF5Group) throws -> HDF5Group {
    try group.write(to: folder.path("a.h5"))
    return try content(folder.bytes("a.h5"))
  }

  @Test("A file that Python wrote lists all names, widths, shapes and attributes, in order")
  func names() throws {
    let root = try content(fileBytes(Fixtures.path("recipe.h5")))
    #expect(Array(root.groups.keys) == ["bare", "hf"])
    #expect(Array(root.datasets.keys) == ["bytes", "eight axes", "no elements"])
    #expect(
      root.attributes == ["empty": "", "format": "fixture", "format_version": 3, "~": "caf\u{e9}"])
    let hf = try #require(root.groups["hf"])
    #expect(hf.attributes == ["top": .number(.max)])
    let layers = (0..<12).map { TensorName("layers.\($0).weight") }.sorted()
    #expect(Array(hf.datasets.keys) == ["e\u{301}"] + layers + ["scalar", "\u{e9}"])
    let layer = try #require(hf.datasets["layers.11.weight"])
    #expect(layer.attributes == ["dtype": "BF16"])
    #expect(layer.tensor.dtype == .u16)
    #expect(layer.tensor.shape == [3, 11])
  }

  @Test("Data that Python wrote are read bit by bit")
  func data() throws {
    let isEqual = try content(fileBytes(Fixtures.path("recipe.h5"))) == unsigned(recipeContent())
    #expect(isEqual)
  }

  @Test("Tensors of every type come back with equal bits", arguments: DType.allCases)
  func everyType(_ dtype: DType) throws {
    var group = HDF5Group()
    let shapes: [Shape] = [[], [1], [3, 5], [0], [2, 0, 3], [1, 1, 1, 1, 1, 1, 1, 7]]
    for shape in shapes {
      group.datasets["\(shape)"] = HDF5Dataset(try tensor(dtype, shape))
    }
    let isEqual = try read(group) == unsigned(group)
    #expect(isEqual)
  }

  @Test("Groups within groups are refused")
  func depth() throws {
    let inner = HDF5Group(datasets: ["x": HDF5Dataset(try tensor(.u8, [2]))])
    let group = HDF5Group(groups: ["a": HDF5Group(groups: ["b": inner])])
    try group.write(to: folder.path("a.h5"))
    let bytes = try folder.bytes("a.h5")
    #expect(code { () throws(HDF5Error) in try content(bytes) } == .refused)
  }

  @Test("Many tasks write and read at once")
  func concurrency() async throws {
    let content = try recipeContent()
    let expected = try fileBytes(Fixtures.path("recipe.h5"))
    try await withThrowingTaskGroup { tasks in
      for index in 0..<8 {
        tasks.addTask {
          try content.write(to: folder.path("\(index).h5"))
          let bytes = try folder.bytes("\(index).h5")
          let isEqual = try HDF5Tests.content(bytes) == unsigned(content)
          #expect(isEqual)
          return bytes
        }
      }
      for try await bytes in tasks { #expect(bytes == expected) }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import HDF5
import OrderedCollections
import Tensors
import Testing

@Suite("Reading HDF5 files")
struct InspectedFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test("A file that Python wrote lists all names, widths, shapes and attributes, in order")
  func listing() throws {
    let file = try InspectedFile(path: Fixtures.path("recipe.h5"))
    let root = file.root
    #expect(Array(root.groups.keys) == ["bare", "hf"])
    #expect(Array(root.datasets.keys) == ["bytes", "eight axes", "no elements"])
    #expect(
      root.attributes == ["empty": "", "format": "fixture", "format_version": 3, "~": "caf\u{e9}"])
    let hf = try #require(root.groups["hf"])
    #expect(hf.attributes == ["top": .number(.max)])
    let layers = (0..<12).map { TensorName("layers.\($0).weight") }.sorted()
    #expect(Array(hf.datasets.keys) == ["e\u{301}"] + layers + ["scalar", "\u{e9}"])
    let layer = try #require(root.dataset(at: ["hf", "layers.11.weight"]))
    #expect(layer.attributes == ["dtype": "BF16"])
    #expect(layer.data.elementByteCount == 2)
    #expect(layer.data.shape == [3, 11])
    #expect(layer.data.byteCount == 66)
    #expect(root.dataset(at: ["hf"]) == nil)
    #expect(root.dataset(at: []) == nil)
  }

  @Test("Data that Python wrote are read bit by bit")
  func data() throws {
    let file = try InspectedFile(path: Fixtures.path("recipe.h5"))
    try expectData(of: recipeContent(), in: file, below: [])
  }

  @Test("Tensors of every type come back with equal bits", arguments: DType.allCases)
  func everyType(_ dtype: DType) throws {
    var group = HDF5Group<Tensor>()
    let shapes: [Shape] = [[], [1], [3, 5], [0], [2, 0, 3], [1, 1, 1, 1, 1, 1, 1, 7]]
    for shape in shapes {
      group.datasets["\(shape)"] = HDF5Dataset(try tensor(dtype, shape))
    }
    try group.write(to: folder.path("a.h5"))
    let file = try InspectedFile(path: folder.path("a.h5"))
    try expectData(of: group, in: file, below: [])
  }

  private func expectData(
    of group: HDF5Group<Tensor>, in file: borrowing InspectedFile, below names: [TensorName]
  ) throws {
    for (name, dataset) in group.datasets {
      let found = try file.readTensor(at: names + [name], as: dataset.data.dtype)
      let isEqual = found == dataset.data
      #expect(isEqual, "\(names + [name])")
    }
    for (name, inner) in group.groups {
      try expectData(of: inner, in: file, below: names + [name])
    }
  }

  @Test("What is not there or has another width is an error that says so")
  func wrongReads() throws {
    let file = try InspectedFile(path: Fixtures.path("recipe.h5"))
    #expect(
      code { () throws(HDF5Error) in try file.readTensor(at: ["hf", "x"], as: .u8) }
        == .missingDataset)
    #expect(
      code { () throws(HDF5Error) in try file.readTensor(at: ["hf"], as: .u8) } == .missingDataset)
    #expect(
      code { () throws(HDF5Error) in try file.readTensor(at: ["bytes"], as: .bf16) }
        == .wrongElementType)
    try file.close()
  }

  @Test("Limits hold: size of the file, of a dataset, number of objects, depth")
  func limits() throws {
    let path = Fixtures.path("recipe.h5")
    func code(_ limits: HDF5Limits) -> HDF5Error.Code? {
      HDF5Tests.code { () throws(HDF5Error) in _ = try InspectedFile(path: path, limits: limits) }
    }
    #expect(code(HDF5Limits(fileByteCount: 9505)) == .overLimit)
    #expect(code(HDF5Limits(fileByteCount: 9506, datasetByteCount: 66, objectCount: 21)) == nil)
    #expect(code(HDF5Limits(datasetByteCount: 65)) == .overLimit)
    #expect(code(HDF5Limits(objectCount: 20)) == .overLimit)
    #expect(code(HDF5Limits(objectCount: 0)) == .overLimit)
    #expect(code(HDF5Limits(groupDepth: 0)) == .tooDeep)
  }

  @Test("Groups within groups are kept when the limit allows them")
  func depth() throws {
    let inner = HDF5Group(datasets: ["x": HDF5Dataset(try tensor(.u8, [2]))])
    let group = HDF5Group(groups: ["a": HDF5Group(groups: ["b": HDF5Group(groups: ["c": inner])])])
    try group.write(to: folder.path("a.h5"))
    let file = try InspectedFile(path: folder.path("a.h5"), limits: HDF5Limits(groupDepth: 3))
    try expectData(of: group, in: file, below: [])
  }

  @Test("Paths that lead to no regular file are errors")
  func paths() throws {
    for path in [folder.path("missing.h5"), folder.path, "/dev/null", "", folder.path("a\0b")] {
      #expect(
        code { () throws(HDF5Error) in _ = try InspectedFile(path: path) } == .file, "\(path)")
    }
  }

  @Test("Many tasks write, inspect and read at once")
  func concurrency() async throws {
    let content = try recipeContent()
    let expected = try fileBytes(Fixtures.path("recipe.h5"))
    try await withThrowingTaskGroup { tasks in
      for index in 0..<8 {
        tasks.addTask {
          try content.write(to: folder.path("\(index).h5"))
          let file = try InspectedFile(path: folder.path("\(index).h5"))
          try expectData(of: content, in: file, below: [])
          return try folder.bytes("\(index).h5")
        }
      }
      for try await bytes in tasks { #expect(bytes == expected) }
    }
  }

  @Test("Tasks share one open file")
  func sharing() async throws {
    let file = SharedFile(try InspectedFile(path: Fixtures.path("recipe.h5")))
    let expected = try tensor(.bf16, [3, 11])
    try await withThrowingTaskGroup { tasks in
      for _ in 0..<8 {
        tasks.addTask {
          let found = try file.file.readTensor(at: ["hf", "layers.11.weight"], as: .bf16)
          return found == expected
        }
      }
      for try await isEqual in tasks { #expect(isEqual) }
    }
  }
}

private final class SharedFile: Sendable {
  let file: InspectedFile
  init(_ file: consuming InspectedFile) { self.file = file }
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

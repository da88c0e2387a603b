// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import HDF5
import OrderedCollections
import Tensors
import Testing

@Suite("The bytes that writing gives")
struct DeterministicWriterTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test("Python with the same recipe and a later library writes the same bytes")
  func python() throws {
    try recipeContent().write(to: folder.path("a.h5"))
    let written = try folder.bytes("a.h5")
    let expected = try fileBytes(Fixtures.path("recipe.h5"))
    let difference = zip(written, expected).enumerated().first { $1.0 != $1.1 }?.offset
    #expect(written.count == expected.count)
    #expect(difference == nil)
  }

  @Test("The order of the dictionaries does not reach the file")
  func order() throws {
    let content = try recipeContent()
    func reversed<Value>(
      _ dictionary: OrderedDictionary<TensorName, Value>
    ) -> OrderedDictionary<TensorName, Value> {
      OrderedDictionary(uniqueKeysWithValues: dictionary.elements.reversed().map { ($0, $1) })
    }
    func reversed(_ group: HDF5Group) -> HDF5Group {
      HDF5Group(
        attributes: reversed(group.attributes), groups: reversed(group.groups.mapValues(reversed)),
        datasets: reversed(group.datasets))
    }
    try content.write(to: folder.path("a.h5"))
    try reversed(content).write(to: folder.path("b.h5"))
    #expect(try folder.bytes("a.h5") == folder.bytes("b.h5"))
  }

  @Test("Texts of all sizes around those at which the library changes its ways are kept")
  func longTexts() throws {
    for count in [1, 255, 256, 65_400, 65_510, 65_511, 65_535, 65_536] {
      let text = String(repeating: "x", count: count)
      let group = HDF5Group(attributes: ["a": .text(text), "b": 1])
      for name in ["a.h5", "b.h5"] { try group.write(to: folder.path(name)) }
      #expect(try folder.bytes("a.h5") == folder.bytes("b.h5"), "\(count)")
      let isKept = try content(folder.bytes("a.h5")) == group
      #expect(isKept, "\(count)")
    }
  }
}

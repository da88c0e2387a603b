// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Goldens
import HDF5
import OrderedCollections
import Tensors
import Testing

@Suite struct GoldenCaseTests {
  private let scratch: ScratchSet
  private let golden: GoldenCase

  init() throws {
    scratch = try ScratchSet()
    golden = try CommittedSet.read("lora")
  }

  /// What reading a file gives whose content is the case's, changed.
  private func codeOfReading(_ change: (inout HDF5Group<Tensor>) throws -> Void) throws
    -> GoldenError.Code?
  {
    let path = "\(scratch.path)/changed.h5"
    try golden.write(to: path)
    let file = try InspectedFile(path: path)
    var root = HDF5Group<Tensor>(attributes: file.root.attributes)
    for (name, group) in file.root.groups {
      var copy = HDF5Group<Tensor>(attributes: group.attributes)
      for (key, dataset) in group.datasets {
        let tensor = try file.readTensor(at: [name, key], as: .bf16)
        copy.datasets[key] = HDF5Dataset(tensor, attributes: dataset.attributes)
      }
      root.groups[name] = copy
    }
    try file.close()
    try change(&root)
    try root.write(to: path)
    return code { _ = try GoldenCase(contentsOf: path) }
  }

  @Test func aCopyIsRead() throws {
    #expect(try codeOfReading { _ in } == nil)
  }

  @Test func anUnknownFormatVersionIsRefused() throws {
    #expect(try codeOfReading { $0.attributes["format_version"] = 2 } == .unknownFormatVersion)
  }

  @Test func aFileOfAnotherFormatIsRefused() throws {
    #expect(try codeOfReading { $0.attributes["format"] = "other" } == .malformedFile)
  }

  @Test func anAttributeMoreIsRefused() throws {
    #expect(try codeOfReading { $0.attributes["made_at"] = "noon" } == .malformedFile)
  }

  @Test func anUnknownGroupIsRefused() throws {
    #expect(try codeOfReading { $0.groups["other"] = HDF5Group() } == .malformedFile)
  }

  @Test func aMissingGroupIsRefused() throws {
    #expect(try codeOfReading { $0.groups["native"] = nil } == .malformedFile)
  }

  @Test func aMissingTensorIsAnotherContent() throws {
    let found = try codeOfReading { root in
      let last = root.groups["hf"]?.datasets.first { pair in
        pair.value.attributes["index"] == .number(UInt64(golden[.hf].count - 1))
      }
      root.groups["hf"]?.datasets[try #require(last?.key)] = nil
    }
    #expect(found == .wrongContent)
  }

  @Test func twoTensorsOfOneIndexAreRefused() throws {
    let found = try codeOfReading { root in
      let key = try #require(root.groups["hf"]?.datasets.keys.first)
      root.groups["hf"]?.datasets[key]?.attributes["index"] = 3
      let other = try #require(root.groups["hf"]?.datasets.keys.last)
      root.groups["hf"]?.datasets[other]?.attributes["index"] = 3
    }
    #expect(found == .malformedFile)
  }

  @Test func anotherDTypeOfOneWidthIsAnotherContent() throws {
    let found = try codeOfReading { root in
      let key = try #require(root.groups["hf"]?.datasets.keys.first)
      root.groups["hf"]?.datasets[key]?.attributes["dtype"] = "F16"
    }
    #expect(found == .wrongContent)
  }

  @Test(arguments: [
    ("\"verdict\": \"valid\"", "\"verdict\": \"maybe\""),
    ("\"verdict\": \"valid\"", "\"verdict\": \"invalid\""),
    ("\"purpose\"", "\"reason\""),
    ("\"id\": \"lora\"", "\"id\": \"../lora\""),
    ("\"hidden_size\": 4", "\"hidden_size\": -4"),
    ("\"mtp_policy\": \"drop\"", "\"mtp_policy\": null"),
    ("\n}\n", "\n}"),
  ])
  func aWrongDescriptionIsRefused(old: String, new: String) throws {
    let text = golden.description.text
    #expect(text.contains(old))
    let wrong = text.replacing(old, with: new)
    #expect(
      code { _ = try GoldenDescription(parsing: wrong, of: "test") } == .malformedDescription)
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Files
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
  private func codeOfReading(_ change: (inout HDF5Group) throws -> Void) throws
    -> GoldenError.Code?
  {
    let path = "\(scratch.path)/changed.h5"
    try golden.write(to: path)
    var root = try HDF5Group(parsing: scratch.bytes("changed.h5"), of: path)
    try change(&root)
    try root.write(to: path)
    let bytes = try scratch.bytes("changed.h5")
    return code { _ = try GoldenCase(parsing: bytes, of: path) }
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

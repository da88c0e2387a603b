// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Files
import Foundation
import HDF5
import OrderedCollections
import Tensors
import Testing

@Suite("What cannot be written")
struct WritingTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func writing(_ group: HDF5Group) -> HDF5Error? {
    do throws(HDF5Error) {
      try group.write(to: folder.path("a.h5"))
      return nil
    } catch {
      return error
    }
  }

  @Test(
    "Names that the library would split or end are refused for tensors and groups",
    arguments: ["", ".", "..", "/", "a/b", "/a", "a/", "a\0b", "\0"])
  func names(_ text: String) throws {
    let name = TensorName(text)
    let dataset = HDF5Dataset(try tensor(.u8, [1]))
    #expect(writing(HDF5Group(datasets: [name: dataset]))?.code == .invalidName)
    #expect(writing(HDF5Group(groups: [name: HDF5Group()]))?.code == .invalidName)
    let inner = writing(HDF5Group(groups: ["g": HDF5Group(datasets: [name: dataset])]))
    #expect(inner?.code == .invalidName)
    #expect(inner?.place.hasSuffix("a.h5, '/g'") == true)
    #expect(try folder.names().isEmpty)
  }

  @Test(
    "Names that only look odd are kept byte by byte",
    arguments: [" ", "...", "a.b", "\n", "\u{fffd}", "e\u{301}", "\u{e9}", "\\", "\u{1f600}"])
  func oddNames(_ text: String) throws {
    let name = TensorName(text)
    let group = HDF5Group(datasets: [name: HDF5Dataset(try tensor(.u8, [1]))])
    #expect(writing(group) == nil)
    #expect(try Array(content(folder.bytes("a.h5")).datasets.keys) == [name])
  }

  @Test("Names may be longer than anything in a header")
  func longNames() throws {
    let names = [70_000, 200_000].map { TensorName(String(repeating: "n", count: $0)) }
    var group = HDF5Group()
    for name in names { group.datasets[name] = HDF5Dataset(try tensor(.u8, [1])) }
    #expect(writing(group) == nil)
    #expect(try Array(content(folder.bytes("a.h5")).datasets.keys) == names)
  }

  @Test("A group and a tensor of one name, nine attributes and nine axes are refused")
  func counts() throws {
    let dataset = HDF5Dataset(try tensor(.u8, [1]))
    let clash = writing(HDF5Group(groups: ["x": HDF5Group()], datasets: ["x": dataset]))
    #expect(clash?.code == .duplicateName)
    let nine = HDF5Attributes(uniqueKeysWithValues: (0..<9).map { ("a\($0)", .number(1)) })
    #expect(writing(HDF5Group(attributes: nine))?.code == .tooManyAttributes)
    let axes = HDF5Dataset(try tensor(.u8, [1, 1, 1, 1, 1, 1, 1, 1, 1]))
    #expect(writing(HDF5Group(datasets: ["x": axes]))?.code == .invalidShape)
    #expect(try folder.names().isEmpty)
  }

  @Test("Attributes that would not come back are refused")
  func attributes() throws {
    let long = String(repeating: "x", count: HDF5Attribute.maximumTextByteCount + 1)
    for text in [long, "a\0", "\0"] {
      let error = writing(HDF5Group(attributes: ["a": .text(text)]))
      #expect(error?.code == .invalidAttribute)
      #expect(error?.place.hasSuffix("a.h5, attribute 'a'") == true)
    }
    for name in ["", "\u{e9}", "a\nb", "\0", String(repeating: "a", count: 256)] {
      let error = writing(HDF5Group(attributes: [TensorName(name): 1]))
      #expect(error?.code == .invalidName, "\(name)")
    }
    #expect(try folder.names().isEmpty)
  }

  @Test("A folder that is not there or a name that is a folder's leaves nothing behind")
  func places() throws {
    let content = try smallContent()
    for path in [folder.path("none/a.h5"), folder.path("a.h5/"), folder.path, "", "/"] {
      #expect(code { () throws(HDF5Error) in try content.write(to: path) } == .file, "\(path)")
    }
    #expect(try folder.names().isEmpty)
  }

  @Test("What was written before a failure is removed")
  func failureAtTheEnd() throws {
    try FileManager.default.createDirectory(
      atPath: folder.path("a.h5"), withIntermediateDirectories: false)
    let error = writing(try smallContent())
    #expect(error?.code == .file)
    #expect(error?.found == "Is a directory")
    #expect(try folder.names() == ["a.h5"])
  }

  @Test("A file is replaced as a whole")
  func replacement() throws {
    try smallContent().write(to: folder.path("a.h5"))
    try recipeContent().write(to: folder.path("a.h5"))
    #expect(try content(folder.bytes("a.h5")).groups.count == 2)
    #expect(try folder.names() == ["a.h5"])
  }
}

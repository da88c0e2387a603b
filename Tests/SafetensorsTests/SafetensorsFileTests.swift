// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Safetensors
import StrictJSON
import Tensors
import Testing

@Suite("Reading safetensors files")
struct SafetensorsFileTests {
  static let names = ["dtypes", "names", "empty", "metadata-empty", "metadata-escapes"]

  @Test("Files of the original library hold what Python says", arguments: names)
  func content(_ name: String) throws {
    let file = try SafetensorsFile(path: Fixtures.path("\(name).safetensors"))
    let expected = try #require(try Fixtures.json("\(name).json").arrayValue)
    #expect(file.infos.count == expected.count)
    for entry in expected {
      let fields = try #require(entry.arrayValue)
      let name = TensorName(try #require(fields[0].stringValue))
      let tensor = try #require(file.tensor(named: name), "\(name)")
      #expect(tensor.shape.extents == fields[1].arrayValue?.compactMap(\.integerValue))
      #expect(tensor.byteArray == Fixtures.fromHex(fields[2].stringValue ?? ""), "\(name)")
    }
  }

  @Test("Each element type is read as what it is")
  func dtypes() throws {
    let file = try SafetensorsFile(path: Fixtures.path("dtypes.safetensors"))
    for dtype in DType.allCases {
      let name = TensorName("\(dtype.rawValue.lowercased()).a")
      #expect(file.tensor(named: name)?.dtype == dtype)
    }
  }

  @Test("Tensors come in the order of the header, whatever their offsets")
  func order() throws {
    let file = try SafetensorsFile(
      .file(
        #"{"z":{"dtype":"U8","shape":[1],"data_offsets":[1,2]},"#
          + #""a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, data: [7, 8]))
    #expect(file.infos.map(\.name) == ["z", "a"])
    #expect(file.tensor(named: "z")?.byteArray == [8])
    #expect(file.tensor(named: "a")?.byteArray == [7])
    #expect(file.stateDict.infos == file.infos)
    #expect(file.tensor(named: "b") == nil)
  }

  @Test("Absent and empty metadata differ, and pairs keep their order")
  func metadata() throws {
    #expect(try SafetensorsFile(.file("{}")).metadata == nil)
    #expect(try SafetensorsFile(.file(#"{"__metadata__":{}}"#)).metadata == [:])
    let pairs = try SafetensorsFile(.file(#"{"__metadata__":{"b":"1","a":"2"}}"#)).metadata?.pairs
    #expect(pairs?.map(\.key) == ["b", "a"])
    #expect(pairs?.map(\.value) == ["1", "2"])
  }

  @Test(
    "Unusual but legal headers are read",
    arguments: [
      "{}", "{}   ", "{ }", "{\n\t\"__metadata__\" : {}\r\n}",
      #"{"":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#,
      #"{"a":{"data_offsets":[0,0],"shape":[0,9223372036854775807,2],"dtype":"F64"}}"#,
      #"{"\u0061\u0000":{"dtype":"U8","shape":[3,0],"data_offsets":[0,0]}}"#,
      #"{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"#
        + #""b":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#,
    ])
  func legal(_ header: String) throws {
    let file = try SafetensorsFile(.file(header))
    #expect(file.dataOffset == 8 + header.utf8.count)
  }

  @Test("Unaligned data are read")
  func misaligned() throws {
    let file = try SafetensorsFile(
      .file(
        #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"#
          + #""b":{"dtype":"F32","shape":[],"data_offsets":[1,5]}}"#, data: [1, 0, 0, 128, 63]))
    #expect(file.tensor(named: "b")?.bits(at: 0) == 0x3f80_0000)
  }

  @Test("A missing file and a folder are errors of the file")
  func unreadable() throws {
    for path in [Fixtures.path("absent"), Fixtures.path("tiny-hyv3")] {
      let error = #expect(throws: SafetensorsError.self) { try SafetensorsFile(path: path) }
      #expect(error?.code == .file)
      #expect(error?.path == path)
    }
  }
}

extension TensorStorage {
  /// A file of a header with its length and of data.
  static func file(_ header: String, data: [UInt8] = [], length: UInt64? = nil) throws
    -> TensorStorage
  {
    try file(Array(header.utf8), data: data, length: length)
  }

  static func file(_ header: [UInt8], data: [UInt8] = [], length: UInt64? = nil) throws
    -> TensorStorage
  {
    let length = length ?? UInt64(header.count)
    return try bytes((0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) } + header + data)
  }

  static func bytes(_ bytes: [UInt8]) throws -> TensorStorage {
    // Bytes have no padding that could be read uninitialized.
    try .copying(unsafe bytes.span.bytes)
  }
}

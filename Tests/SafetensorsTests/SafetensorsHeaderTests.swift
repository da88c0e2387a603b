// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Safetensors
import Tensors
import Testing

@Suite("Malformed safetensors files")
struct SafetensorsHeaderTests {
  struct Case: CustomTestStringConvertible {
    let what: String
    let file: @Sendable () throws -> TensorStorage
    let code: SafetensorsError.Code
    let offset: Int?
    let keys: [String]

    /// A file of one header and zeros as data.
    init(
      _ what: String, _ header: String, data: Int = 0, length: UInt64? = nil,
      _ code: SafetensorsError.Code, at offset: Int?, _ keys: [String] = []
    ) {
      self.what = what
      self.file = {
        try .file(header, data: Array(repeating: 0, count: data), length: length)
      }
      self.code = code
      self.offset = offset
      self.keys = keys
    }

    /// A whole file.
    init(_ what: String, _ bytes: [UInt8], _ code: SafetensorsError.Code, at offset: Int?) {
      self.what = what
      self.file = { try .bytes(bytes) }
      self.code = code
      self.offset = offset
      self.keys = []
    }

    var testDescription: String { what }
  }

  /// A header of the tensor `a` and others like it.
  static func header(
    dtype: String = #""F32""#, shape: String = "[1]", offsets: String = "[0,4]", more: String = ""
  ) -> String {
    #"{"a":{"dtype":\#(dtype),"shape":\#(shape),"data_offsets":\#(offsets)}\#(more)}"#
  }

  static func second(_ name: String, _ shape: String, _ offsets: String) -> String {
    #","\#(name)":{"dtype":"F32","shape":\#(shape),"data_offsets":\#(offsets)}"#
  }

  static let cases: [Case] = [
    Case("no bytes", [], .fileTooSmall, at: nil),
    Case("seven bytes", [2, 0, 0, 0, 0, 0, 0], .fileTooSmall, at: nil),
    Case("no header", [0, 0, 0, 0, 0, 0, 0, 0], .invalidHeaderStart, at: 0),
    Case("length above 100 MB", "{}", length: 100_000_001, .headerTooLarge, at: 0),
    Case("length above Int.max", "{}", length: .max, .headerTooLarge, at: 0),
    Case("length above the file", "{}", length: 3, .headerTruncated, at: 0),
    Case("space before the brace", " {}", .invalidHeaderStart, at: 8),
    Case("array", "[]", .invalidHeaderStart, at: 8),
    Case("byte order mark", "\u{feff}{}", .invalidHeaderStart, at: 8),
    Case("line feed as padding", "{} \n", .invalidPadding, at: 11),
    Case("zero as padding", "{}\0", .invalidPadding, at: 10),
    Case("second value", "{}{}", .invalidPadding, at: 10),
    Case("truncated JSON", #"{"a":"#, .invalidJSON, at: 13),
    Case("trailing comma", #"{"__metadata__":{},}"#, .invalidJSON, at: 26),
    Case("lone surrogate", #"{"\ud800":{}}"#, .invalidJSON, at: 10),
    Case("control character", "{\"\u{1}\":{}}", .invalidJSON, at: 10),
    Case("deep nesting", #"{"a":"# + String(repeating: "[", count: 100), .invalidMember, at: 13),
    Case("tensor twice", header(more: second("\\u0061", "[1]", "[0,4]")), .duplicateKey, at: 62),
    Case("metadata twice", #"{"__metadata__":{},"__metadata__":{}}"#, .duplicateKey, at: 27),
    Case("metadata key twice", #"{"__metadata__":{"k":"","k":""}}"#, .duplicateKey, at: 32),
    Case("metadata null", #"{"__metadata__":null}"#, .invalidMember, at: 24),
    Case("metadata number", #"{"__metadata__":{"k":1}}"#, .invalidMember, at: 29),
    Case("tensor null", #"{"a":null}"#, .invalidMember, at: 13),
    Case("tensor array", #"{"a":["F32",[1],[0,4]]}"#, .invalidMember, at: 13),
    Case("member twice", #"{"a":{"shape":[],"shape":[]}}"#, .duplicateKey, at: 25),
    Case("no dtype", #"{"a":{"shape":[1],"data_offsets":[0,4]}}"#, .missingMember, at: 46),
    Case("no shape", #"{"a":{"dtype":"F32","data_offsets":[0,4]}}"#, .missingMember, at: 48),
    Case("no offsets", #"{"a":{"dtype":"F32","shape":[1]}}"#, .missingMember, at: 39),
    Case("more members", header(offsets: #"[0,4],"x":1"#), data: 4, .unknownMember, at: 61),
    Case("dtype number", header(dtype: "1"), .invalidMember, at: 22),
    Case("dtype unknown", header(dtype: #""f32""#), .unsupportedDType, at: 9, ["a"]),
    Case("dtype F4", header(dtype: #""F4""#), .unsupportedDType, at: 9, ["a"]),
    Case("dtype C64", header(dtype: #""C64""#), .unsupportedDType, at: 9, ["a"]),
    Case("dtype F8_E4M3FNUZ", header(dtype: #""F8_E4M3FNUZ""#), .unsupportedDType, at: 9, ["a"]),
    Case("negative extent", header(shape: "[-1]"), .invalidMember, at: 37),
    Case("negative zero", header(shape: "[-0]"), .invalidMember, at: 37),
    Case("fraction", header(shape: "[1.0]"), .invalidMember, at: 37),
    Case("exponent", header(shape: "[1e0]"), .invalidMember, at: 37),
    Case("leading zero", header(shape: "[01]"), .invalidJSON, at: 38),
    Case("extent above 63 bits", header(shape: "[9223372036854775808]"), .invalidMember, at: 37),
    Case("extent as text", header(shape: #"["1"]"#), .invalidMember, at: 37),
    Case(
      "elements overflow", header(shape: "[4294967296,4294967296]"), .sizeOverflow, at: 9, ["a"]),
    Case("bytes overflow", header(shape: "[4611686018427387904]"), .sizeOverflow, at: 9, ["a"]),
    Case(
      "overflow before a zero", header(shape: "[4294967296,4294967296,0]", offsets: "[0,0]"),
      .sizeOverflow, at: 9, ["a"]),
    Case("one offset", header(offsets: "[4]"), data: 4, .invalidOffsets, at: 9, ["a"]),
    Case("three offsets", header(offsets: "[0,4,4]"), data: 4, .invalidOffsets, at: 9, ["a"]),
    Case("reversed offsets", header(offsets: "[4,0]"), data: 4, .invalidOffsets, at: 9, ["a"]),
    Case("data beyond the end", header(), data: 3, .outOfBounds, at: 9, ["a"]),
    Case(
      "largest offsets", header(offsets: "[9223372036854775803,9223372036854775807]"), data: 4,
      .outOfBounds, at: 9, ["a"]),
    Case("too many bytes", header(offsets: "[0,5]"), data: 5, .sizeMismatch, at: 9, ["a"]),
    Case("too few bytes", header(shape: "[2]"), data: 4, .sizeMismatch, at: 9, ["a"]),
    Case("hole before the first", header(offsets: "[1,5]"), data: 5, .hole, at: 62, ["a"]),
    Case(
      "hole between", header(more: second("b", "[1]", "[5,9]")), data: 9, .hole, at: 119, ["b"]),
    Case(
      "overlap", header(more: second("b", "[1]", "[2,6]")), data: 6, .overlap, at: 117, ["a", "b"]),
    Case(
      "same data", header(more: second("b", "[1]", "[0,4]")), data: 4, .overlap, at: 115,
      ["a", "b"]),
    Case(
      "empty tensor inside another", header(more: second("b", "[0]", "[2,2]")), data: 4, .overlap,
      at: 117, ["a", "b"]),
    Case("bytes after the data", header(), data: 5, .trailingBytes, at: 66),
    Case("data of no tensor", "{}", data: 1, .trailingBytes, at: 10),
  ]

  @Test("A malformed file gives the code, byte and keys of its fault", arguments: cases)
  func malformed(_ example: Case) throws {
    let storage = try example.file()
    let error = #expect(throws: SafetensorsError.self) {
      try SafetensorsFile(storage, path: "x.safetensors")
    }
    #expect(error?.code == example.code)
    #expect(error?.byteOffset == example.offset)
    #expect(error?.keys == example.keys)
  }

  @Test("A name that is not UTF-8 is an error at its first wrong byte")
  func invalidUTF8() throws {
    let storage = try TensorStorage.file([0x7b, 0x22, 0x61, 0xff, 0x22, 0x3a, 0x30, 0x7d])
    let error = #expect(throws: SafetensorsError.self) { try SafetensorsFile(storage) }
    #expect(error?.code == .invalidJSON)
    #expect(error?.byteOffset == 11)
  }

  @Test("A message says where, expected, found and what helps, and escapes names")
  func message() throws {
    let header = Self.header(dtype: #""F4""#).replacing(#""a""#, with: #""a\n""#)
    let error = #expect(throws: SafetensorsError.self) {
      try SafetensorsFile(.file(header), path: "x.safetensors")
    }
    let expected =
      #"x.safetensors, byte 9, 'a\n': expected one of BOOL, U8, I8, F8_E5M2, F8_E4M3, F8_E8M0, "#
      + "I16, U16, F16, BF16, I32, U32, F32, F64, I64, U64, found 'F4'; "
      + "convert the tensor to one of these element types"
    #expect(error?.description == expected)
  }
}

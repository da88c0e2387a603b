// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Testing

/// A tensor of two-byte elements, each its own number.
struct NamedTensor: Equatable {
  let name: String
  let shape: [Int]
  let elements: [UInt16]

  /// A tensor whose elements count up from a number.
  init(_ name: String, _ shape: [Int], from first: UInt16) {
    self.init(name, shape, (0..<UInt16(shape.reduce(1, *))).map { first + $0 })
  }

  init(_ name: String, _ shape: [Int], _ elements: [UInt16]) {
    self.name = name
    self.shape = shape
    self.elements = elements
  }

  /// The element at a place, by the row-major index formula.
  subscript(_ place: Int...) -> UInt16 {
    elements[zip(shape, place).reduce(0) { $0 * $1.0 + $1.1 }]
  }
}

func littleEndian(_ number: Int) -> [UInt8] {
  (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
}

func json(_ document: Any) throws -> String {
  let options: JSONSerialization.WritingOptions = [.sortedKeys, .fragmentsAllowed]
  return String(
    decoding: try JSONSerialization.data(withJSONObject: document, options: options), as: UTF8.self)
}

/// A frame, its tensors of type BF16 and stored in the order of their names, as safetensors does.
func frame(_ metadata: [String: String], _ tensors: [NamedTensor] = []) throws -> [UInt8] {
  var header: [String: Any] = [
    "__metadata__": metadata.merging(["keys": try json(tensors.map(\.name))]) { stated, _ in stated
    }
  ]
  var data: [UInt8] = []
  for tensor in tensors.sorted(by: { $0.name < $1.name }) {
    let start = data.count
    for element in tensor.elements {
      data += [UInt8(truncatingIfNeeded: element), UInt8(element >> 8)]
    }
    header[tensor.name] = [
      "dtype": "BF16", "shape": tensor.shape, "data_offsets": [start, data.count],
    ]
  }
  let text = Array(try json(header).utf8)
  return littleEndian(8 + text.count + data.count) + littleEndian(text.count) + text + data
}

struct Answer {
  let metadata: [String: String]
  /// In the order that `keys` states.
  let tensors: [NamedTensor]

  /// Reads the safetensors buffer of a frame.
  init(_ buffer: ArraySlice<UInt8>) throws {
    let headerSize = try #require(number(buffer.prefix(8)))
    let text = buffer.dropFirst(8).prefix(headerSize)
    let data = Array(buffer.dropFirst(8 + headerSize))
    let header = try #require(
      try JSONSerialization.jsonObject(with: Data(text)) as? [String: Any])
    metadata = try #require(header["__metadata__"] as? [String: String])
    let keys = try JSONSerialization.jsonObject(with: Data((metadata["keys"] ?? "[]").utf8))
    tensors = try #require(keys as? [String]).map { name in
      let entry = try #require(header[name] as? [String: Any])
      let offsets = try #require(entry["data_offsets"] as? [Int])
      let bytes = Array(
        try #require(data.count >= offsets[1] ? data[offsets[0]..<offsets[1]] : nil))
      let elements = stride(from: 0, to: bytes.count, by: 2).map {
        UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8
      }
      #expect(entry["dtype"] as? String == "BF16")
      return NamedTensor(name, try #require(entry["shape"] as? [Int]), elements)
    }
    #expect(header.count == tensors.count + 1)
  }
}

/// Eight little-endian bytes as a number, or nil if they are fewer or the number is no `Int`.
func number(_ bytes: some Sequence<UInt8>) -> Int? {
  let bytes = Array(bytes)
  guard bytes.count == 8 else { return nil }
  return Int(exactly: bytes.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
}

/// What the server did with all of its standard input.
struct Conversation {
  let status: Int32
  let answers: [Answer]
  let errors: String

  init(_ input: [UInt8]) throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "frames-\(UUID().uuidString)")
    try Data(input).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let process = Process()
    // The server is built beside the tests.
    process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
      .deletingLastPathComponent().appending(path: "example-c-adapter")
    let output = Pipe()
    let errorOutput = Pipe()
    process.standardInput = try FileHandle(forReadingFrom: file)
    process.standardOutput = output
    process.standardError = errorOutput
    try process.run()
    // Messages are shorter than what a pipe holds.
    var rest = Array(try output.fileHandleForReading.readToEnd() ?? Data())[...]
    errors = String(
      decoding: try errorOutput.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationReason == .exit)
    status = process.terminationStatus
    var answers: [Answer] = []
    while !rest.isEmpty {
      let size = try #require(number(rest.prefix(8)))
      answers.append(try Answer(rest.dropFirst(8).prefix(size)))
      rest = rest.dropFirst(8 + size)
    }
    self.answers = answers
  }
}

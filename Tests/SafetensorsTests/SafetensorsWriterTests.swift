// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Safetensors
import Tensors
import Testing

@Suite("Writing safetensors files in pieces")
struct SafetensorsWriterTests {
  let folder: TemporaryFolder
  let source: SafetensorsFile

  init() throws {
    folder = try TemporaryFolder()
    source = try SafetensorsFile(path: Fixtures.path("dtypes.safetensors"))
  }

  func writer() throws -> SafetensorsWriter {
    let layout = try SafetensorsLayout(source.infos, metadata: source.metadata)
    return try SafetensorsWriter(path: folder.path("out.safetensors"), layout: layout)
  }

  @Test("Single bytes written by many tasks in any order give the file of the library")
  func concurrentPieces() async throws {
    let writer = try writer()
    try await withThrowingTaskGroup { group in
      for (name, tensor) in source.stateDict.reversed() {
        group.addTask {
          for offset in (0..<tensor.byteCount).reversed() {
            try writer.write(
              tensor.bytes.extracting(offset..<offset + 1), of: name, atByteOffset: offset)
          }
        }
      }
      try await group.waitForAll()
    }
    try writer.finish()
    let written = try folder.bytes("out.safetensors")
    #expect(firstDifference(written, try Fixtures.bytes("dtypes.safetensors")) == nil)
  }

  @Test("An end before all bytes are written names the tensors concerned")
  func incomplete() throws {
    let writer = try writer()
    for (name, tensor) in source.stateDict where name != "bf16.a" && name != "u8.b" {
      try writer.write(tensor.bytes, of: name)
    }
    let tensor = try #require(source.tensor(named: "u8.b"))
    try writer.write(tensor.bytes.extracting(..<5), of: "u8.b")
    let error = #expect(throws: SafetensorsError.self) { try writer.finish() }
    #expect(error?.code == .incompleteWrite)
    #expect(error?.keys == ["bf16.a", "u8.b"])
  }

  @Test("Bytes outside of a tensor, written twice or of no tensor are errors")
  func invalid() throws {
    let writer = try writer()
    let tensor = try #require(source.tensor(named: "i32.a"))
    let attempts: [(TensorName, Int)] = [("i32.a", 1), ("i32.a", -1), ("i32.a", .max), ("x", 0)]
    for (name, offset) in attempts {
      let error = #expect(throws: SafetensorsError.self) {
        try writer.write(tensor.bytes, of: name, atByteOffset: offset)
      }
      #expect(error?.code == .invalidWrite)
      #expect(error?.keys == [name.text])
    }
    try writer.write(tensor.bytes, of: "i32.a")
    let error = #expect(throws: SafetensorsError.self) {
      try writer.write(tensor.bytes, of: "i32.a")
    }
    #expect(error?.code == .invalidWrite)
  }

  @Test("After the end nothing can be written and there is no second end")
  func finished() throws {
    let layout = try SafetensorsLayout([TensorInfo("a", .u8, [0])])
    let writer = try SafetensorsWriter(path: folder.path("a"), layout: layout)
    try writer.finish()
    #expect(throws: SafetensorsError.self) { try writer.finish() }
    let nothing = try Tensor(.u8, [0], bytes: [])
    #expect(throws: SafetensorsError.self) { try writer.write(nothing.bytes, of: "a") }
  }

  @Test("A file that exists is not touched")
  func existing() throws {
    try folder.write([1, 2, 3], to: "out.safetensors")
    let error = #expect(throws: SafetensorsError.self) { try writer() }
    #expect(error?.code == .alreadyExists)
    #expect(try folder.bytes("out.safetensors") == [1, 2, 3])
  }

  @Test("A size that the disk cannot hold is an error and leaves no file")
  func fullDisk() throws {
    let layout = try SafetensorsLayout([TensorInfo("a", .u8, try Shape([1 << 60]))])
    let path = folder.path("huge")
    let error = #expect(throws: SafetensorsError.self) {
      try SafetensorsWriter(path: path, layout: layout)
    }
    #expect(error?.code == .file)
    #expect(try folder.names() == [])
  }
}

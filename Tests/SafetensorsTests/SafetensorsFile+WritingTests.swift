// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Safetensors
import Tensors
import Testing

@Suite("Writing whole safetensors files")
struct SafetensorsFileWritingTests {
  let stateDict: StateDict

  init() throws {
    stateDict = try StateDict([(TensorName("a"), try Tensor(.u8, [2], bytes: [1, 2]))])
  }

  @Test("A file is replaced and nothing else is left")
  func replaces() throws {
    let folder = try TemporaryFolder()
    try folder.write([1, 2, 3], to: "a.safetensors")
    try SafetensorsFile.write(stateDict, metadata: ["k": "v"], to: folder.path("a.safetensors"))
    let expected = try SafetensorsFile.serialize(stateDict, metadata: ["k": "v"])
    #expect(try folder.bytes("a.safetensors") == expected)
    #expect(try folder.names() == ["a.safetensors"])
  }

  @Test("On an error the temporary file is removed")
  func failure() throws {
    let folder = try TemporaryFolder()
    let path = try folder.copyCheckpoint(to: "folder")
    let error = #expect(throws: SafetensorsError.self) {
      try SafetensorsFile.write(stateDict, to: path)
    }
    #expect(error?.code == .file)
    #expect(try folder.names() == ["folder"])
  }

  @Test("A file left by a killed process of the same number is no obstacle")
  func leftover() throws {
    let folder = try TemporaryFolder()
    let name = ".a.partial-\(processNumber)"
    try folder.write([], to: name)
    try SafetensorsFile.write(stateDict, to: folder.path("a"))
    #expect(try folder.names() == [name, "a"])
  }

  @Test("A path that names no file is an error", arguments: ["", "/", "a/..", ".", "a\0b"])
  func invalidPath(_ path: String) {
    let error = #expect(throws: SafetensorsError.self) {
      try SafetensorsFile.write(stateDict, to: path)
    }
    #expect(error?.code == .invalidFileName)
  }
}

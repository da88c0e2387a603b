// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Tensors
import Testing

@Suite("Mapped files")
struct MappedFileTests {
  private func withFolder(_ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("MappedFileTests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try body(folder)
  }

  @Test("A file's bytes are mapped, also when it is deleted meanwhile")
  func contents() throws {
    try withFolder { folder in
      for count in [1, 4096, 10_000] {
        let file = folder.appendingPathComponent("\(count).bin")
        var random = Random(seed: UInt64(count))
        let bytes = randomBytes(&random, count)
        try Data(bytes).write(to: file)
        let storage = try TensorStorage.mapping(file.path)
        try FileManager.default.removeItem(at: file)
        #expect(storage.count == count)
        // Bytes have no padding that could be read uninitialized.
        let isEqual = unsafe storage.bytes.isEqual(to: bytes.span.bytes)
        #expect(isEqual, "\(count) bytes")
      }
    }
  }

  @Test("An empty file gives an empty storage")
  func empty() throws {
    try withFolder { folder in
      let file = folder.appendingPathComponent("empty")
      try Data().write(to: file)
      let storage = try TensorStorage.mapping(file.path)
      #expect(storage.count == 0)
      #expect(try Tensor(.f32, [0, 4], storage: storage).byteCount == 0)
    }
  }

  @Test("What is not a readable regular file is an error that names it")
  func errors() throws {
    try withFolder { folder in
      let missing = folder.appendingPathComponent("missing").path
      #expect(
        throws: TensorError.file(
          path: missing, operation: "open", reason: "No such file or directory")
      ) { try TensorStorage.mapping(missing) }
      for path in [folder.path, "/dev/null"] {
        #expect(
          throws: TensorError.file(
            path: path, operation: "map", reason: "it is not a regular file")
        ) { try TensorStorage.mapping(path) }
      }
      let file = folder.appendingPathComponent("file")
      try Data([1]).write(to: file)
      for path in [file.path + "/below", file.path + "\0.bin", ""] {
        #expect(throws: TensorError.self, "\(path.debugDescription)") {
          try TensorStorage.mapping(path)
        }
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Files
import Foundation
import Safetensors
import Tensors
import Testing

@Suite("Checkpoints that are read and not mapped")
struct ReadFileTests {
  @Test("Tensors, metadata and parts are those of the mapped files")
  func same() throws {
    let path = Fixtures.path("tiny-hyv3")
    let (mapped, read) = (
      try CheckpointFolder(path: path), try CheckpointFolder(path: path, access: .read)
    )
    #expect(mapped.isMapped)
    #expect(!read.isMapped)
    #expect(read.infos == mapped.infos)
    #expect(try read.stateDict() == mapped.stateDict())
    #expect(read.shards.map(\.file.metadata) == mapped.shards.map(\.file.metadata))
    for info in mapped.infos {
      let whole = try #require(mapped.tensor(named: info.name))
      let (count, bounds) = (info.shape.elementCount, [0, 1, info.shape.elementCount / 2])
      for lower in bounds {
        let parts = try [mapped, read].map { try $0.read(info.name, elements: lower..<count) }
        #expect(parts[0] == parts[1])
        #expect(parts[1] == (try whole.elements(lower..<count)))
      }
    }
    #expect(try read.read("absent") == nil)
  }

  @Test("Every header that is refused when mapped is refused alike when read")
  func refusals() throws {
    let folder = try TemporaryFolder()
    let whole = try Fixtures.bytes("tiny-hyv3/model-00001-of-00003.safetensors")
    let header = try SafetensorsFile(
      path: Fixtures.path("tiny-hyv3/model-00001-of-00003.safetensors")
    )
    .dataOffset
    for count in [0, 7, 8, 9, 100, header - 1, header, header + 1, whole.count - 1] {
      try folder.write(Array(whole.prefix(count)), to: "x.safetensors")
      let path = folder.path("x.safetensors")
      let mapped = #expect(throws: SafetensorsError.self) { try SafetensorsFile(path: path) }
      let read = #expect(throws: SafetensorsError.self) {
        try SafetensorsFile(path: path, access: .read)
      }
      #expect(mapped == read, "\(count)")
    }
  }

  @Test("A file that is cut off at any place after it was opened is an error that names it")
  func cutOff() throws {
    let folder = try TemporaryFolder()
    let whole = try Fixtures.bytes("tiny-hyv3/model-00001-of-00003.safetensors")
    let path = folder.path("x.safetensors")
    let header = try {
      try folder.write(whole, to: "x.safetensors")
      return try SafetensorsFile(path: path).dataOffset
    }()
    for size in stride(from: 0, to: whole.count, by: max(1, whole.count / 100)) {
      try folder.write(whole, to: "x.safetensors")
      let file = try SafetensorsFile(path: path, access: .read)
      try OpenFile(changing: path).cut(to: size)
      var errors: [SafetensorsError] = []
      for info in file.infos {
        do {
          _ = try file.read(info.name)
        } catch {
          errors.append(error)
        }
      }
      #expect(!errors.isEmpty, "\(size)")
      #expect(errors.count < file.infos.count || size <= header + 16, "\(size)")
      for error in errors {
        #expect(error.path == path)
        #expect(
          error.found == "that it was cut off while it was read and ends at byte \(size)",
          "\(error)")
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import CheckpointGenerators
import Foundation
import Safetensors
import StrictJSON
import Tensors
import Testing

@testable import Campaigns

@Suite("A saved case")
struct SavedCaseTests {
  private let folder: String

  init() {
    folder =
      FileManager.default.temporaryDirectory
      .appending(path: "campaigns-tests-\(UUID().uuidString)").path
  }

  @Test("The folder is a checkpoint with the same tensors, its order and how to replay it")
  func saving() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let failure = try TestReports.swapped()
    try failure.save(to: folder)
    let saved = try CheckpointFolder(path: folder)
    let checkpoint = try Checkpoint(try #require(failure.spec)).stateDict()
    #expect(Set(saved.infos) == Set(checkpoint.infos))
    for (name, tensor) in checkpoint {
      let isSame = saved.tensor(named: name) == tensor
      #expect(isSame, "\(name)")
    }
    let keys = saved.shards.first?.file.metadata?["keys"]
    #expect(keys == JSONValue.array(checkpoint.names.map { .string($0.text) }).text(.compact))
    let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
    #expect(
      names == [
        "README.md", "config.json", "expected.tensors", "found.tensors", "model.safetensors",
      ])
    let found = try SafetensorsFile(path: "\(folder)/found.tensors")
    #expect(found.infos.count == failure.evidence?.found.count)
    let readme = try String(contentsOfFile: "\(folder)/README.md", encoding: .utf8)
    #expect(readme.contains("    \(failure.replayCommand)\n"))
    #expect(readme.contains("`round-trip`"))
  }

  @Test("A folder that is there is left alone")
  func taken() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let failure = try TestReports.swapped()
    #expect(throws: SafetensorsError.self) { try failure.save(to: folder) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
  }
}

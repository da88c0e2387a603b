// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Foundation
import Goldens
import Layouts
import Tensors
import Testing

@Suite struct CommittedSetTests {
  @Test func everyCaseAgreesWithTheReferenceAdapter() throws {
    for golden in try CommittedSet.cases.get() {
      for fault in golden.faults(of: ReferenceAdapter()) { Issue.record("\(fault)") }
    }
  }

  @Test func allOfItIsSmall() throws {
    var byteCounts: [[String]: Int] = [:]
    let sizes = try CommittedSet.open().manifest.entries.map { ($0.id, $0.byteCount) }
    let sizeOfCase = Dictionary(uniqueKeysWithValues: sizes)
    for golden in try CommittedSet.cases.get() {
      let models = golden.description.setup.config.layout.modelTypes
      byteCounts[models, default: 0] += sizeOfCase[golden.description.id] ?? 0
    }
    for (models, byteCount) in byteCounts {
      #expect(byteCount < (models == ["hy_v3"] ? 6_000_000 : 1_000_000), "\(models)")
    }
  }

  @Test func swiftWritesTheBytesThatPythonWrote() throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "goldens-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    // Making a file durable takes time; every fifth case has every kind of group among them.
    for (position, golden) in try CommittedSet.cases.get().enumerated() where position % 5 == 0 {
      let id = golden.description.id
      let path = folder.appending(path: "\(id).h5").path
      try golden.write(to: path)
      let mine = try Data(contentsOf: URL(filePath: path))
      let theirs = try Data(contentsOf: URL(filePath: "\(CommittedSet.path)/\(id).h5"))
      let areEqual = mine == theirs
      #expect(areEqual, "\(id): other bytes")
    }
  }

  @Test func elementsDifferWhereTheTypeAllows() throws {
    for golden in try CommittedSet.cases.get() where golden.description.verdict == .valid {
      let experts = golden[.hf].filter {
        $0.text.contains(".mlp.experts.") && $0.text.hasSuffix("_proj.weight")
      }
      let flags = golden.description.flags
      guard !flags.contains("special"), !flags.contains("transformers"),
        experts.allSatisfy({ $0.tensor.dtype.byteCount > 1 }),
        golden.description.setup.options.targetDType.byteCount > 1
      else { continue }
      for tensors in [experts, golden[.native].filter { $0.text.hasSuffix("_projs") }] {
        let patterns = tensors.flatMap { _, tensor in
          (0..<tensor.shape.elementCount).map { tensor.bits(at: $0) }
        }
        let distinct = Set(patterns).count
        #expect(distinct == patterns.count, "\(golden.description.id): elements repeat")
      }
    }
  }
}

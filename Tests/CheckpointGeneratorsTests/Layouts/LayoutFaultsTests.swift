// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Synchronization
import Tensors
import Testing

@testable import CheckpointGenerators

@Suite("Faults in checkpoints of every layout")
struct LayoutFaultsTests {
  private static let names = Layout.knownNames

  @Test("Faults are refused, and every offending key is named", arguments: names)
  func refused(name: String) throws {
    let layout = try #require(Layout.known(name))
    let made = try Self.made(layout)
    #expect(made.count > 50, "\(made.count) kinds")
  }

  @Test("Every kind is made in some layout")
  func all() throws {
    let made = try ["hy_v3", "deepseek_v3", "step3p5"].map { name in
      try Self.kindsWithPlace(try #require(Layout.known(name)))
    }
    let missing = CheckpointFaultCatalogue.all.map(\.name).filter { kind in
      !made.contains { $0.contains(kind) }
    }
    #expect(missing == [])
  }

  /// Some checkpoints in which most kinds find a place.
  private static func checkpoints(_ layout: Layout) -> [FaultyCheckpoint] {
    let plain: [ConfigAxis: Int] = [.keyOrder: 0, .contents: 0, .exclusion: 0]
    var result: [FaultyCheckpoint] = []
    for experts in [1, 2, 3] {
      for pins: [ConfigAxis: Int] in [
        [:], [.lora: 1], [.lora: 2], [.lora: 1, .extent: 2], [.lora: 2, .extent: 2], [.extent: 1],
        [.mtpLayers: 1, .mtpPolicy: 0], [.expertParallelism: 1], [.densePrefix: 1],
        [.activation: 4], [.mtpLayers: 1, .mtpStorage: 1], [.biases: 3, .decoderLayers: 1],
      ] {
        let pinned = plain.merging(pins) { $1 }.merging([.experts: experts]) { $1 }.filter {
          layout.values(of: $0.key).contains(UInt8($0.value))
        }
        let space = CheckpointSpace(layout: layout, pinned: pinned)
        result += specs(space, count: 6, seed: UInt64(experts)).map { FaultyCheckpoint(valid: $0) }
      }
    }
    return result
  }

  private static func kindsWithPlace(_ layout: Layout) throws -> Set<String> {
    var result: Set<String> = []
    let valid = checkpoints(layout)
    for kind in CheckpointFaultCatalogue.all {
      for checkpoint in valid {
        var faulty = checkpoint
        guard kind.apply(to: &faulty, site: 0) else { continue }
        result.insert(kind.name)
        break
      }
    }
    return result
  }

  /// Makes every kind in some checkpoints of a layout and has the reference adapter refuse it.
  private static func made(_ layout: Layout) throws -> Set<String> {
    var result: Set<String> = []
    let valid = checkpoints(layout)
    for kind in CheckpointFaultCatalogue.all {
      var places = 0
      for checkpoint in valid where places < 6 {
        var faulty = checkpoint
        guard kind.apply(to: &faulty, site: UInt64(places) * 7) else { continue }
        places += 1
        result.insert(kind.name)
        let place = "\(kind.name): \(faulty.descriptions) in \(faulty.spec)"
        do {
          try faulty.convert()
          Issue.record("accepted: \(place)")
        } catch let error as AdapterError {
          let unnamed = faulty.unnamed(in: error)
          #expect(unnamed.isEmpty, "\(place): \(unnamed) are not in \(error)")
        }
      }
    }
    return result
  }
}

extension FaultyCheckpoint {
  /// Has the reference adapter convert the checkpoint.
  fileprivate func convert() throws {
    let adapter = StateDictAdapter(config: setup.config, options: setup.options)
    if side == .onDisk {
      _ = try adapter.fromHF(try stateDict(), expertParallelism: spec.parallelism)
    } else {
      _ = try adapter.toHF(try stateDict(), expertParallelism: spec.parallelism)
    }
  }
}

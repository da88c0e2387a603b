// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import PropertyEngine
import Tensors
import Testing

@Suite("A wrong config.json is refused, and the error names the field")
struct ConfigFaultTests {
  private static func configs() throws -> [ModelConfig] {
    let small = try ModelConfig(
      vocabularySize: 7, hiddenSize: 4, denseIntermediateSize: 6, moeIntermediateSize: 5,
      expertCount: 3, layerKinds: [.dense, .sparse], mtpLayerCount: 1, attentionHeadCount: 2,
      keyValueHeadCount: 1, headSize: 3)
    let mixed = try ModelConfig(
      vocabularySize: 7, hiddenSize: 8, denseIntermediateSize: 6, moeIntermediateSize: 5,
      expertCount: 3, sharedExpertCount: 0, layerKinds: [.sparse, .dense, .sparse],
      attentionHeadCount: 2, keyValueHeadCount: 1, headSize: 3, hasQueryKeyNorm: false,
      hasExpertBias: false, hasAttentionBias: true, hasMLPBias: true, tiesWordEmbeddings: true,
      dtype: .f32)
    return [small, mixed]
  }

  /// Two configs of each layout, the plainest and a drawn one.
  private static func ofLayouts() -> [ModelConfig] {
    Layout.knownNames.compactMap { Layout.known($0) }.flatMap { layout in
      let drawn = Generator.checkpoints(CheckpointSpace(layout: layout)).numbered(0, seed: 1)
      return [CheckpointSpec.plainest(of: layout), drawn?.value].compactMap { $0?.config }
    }
  }

  @Test("The texts that faults are made in are those of their configs")
  func valid() throws {
    for config in try Self.configs() + Self.ofLayouts() {
      let bytes = ConfigText(config).bytes
      // Bytes have no padding that could be read uninitialized.
      let read = try ModelConfig(jsonText: unsafe bytes.span.bytes, layout: config.layout)
      #expect(read == config)
    }
  }

  @Test("Each fault in each field is refused under its name")
  func refused() throws {
    for config in try Self.configs() + Self.ofLayouts() {
      for kind in ConfigFaultCatalogue.all {
        for site: UInt64 in 0..<12 {
          guard let faulty = kind.applied(to: config, site: site) else { continue }
          let place = "a config whose \(faulty.description)"
          let bytes = faulty.bytes
          let error = #expect(throws: ConfigError.self, "\(place)") {
            // Bytes have no padding that could be read uninitialized.
            try ModelConfig(jsonText: unsafe bytes.span.bytes, layout: config.layout)
          }
          #expect(error?.field == faulty.field, "\(place): \(String(describing: error))")
        }
      }
    }
  }

  @Test("An error about a field that is there twice says which")
  func duplicate() throws {
    let kind = try #require(ConfigFaultCatalogue.all.first { $0.name == "duplicate-field" })
    let config = try #require(try Self.configs().first)
    let bytes = try #require(kind.applied(to: config, site: 2)).bytes
    let error = #expect(throws: ConfigError.self) {
      // Bytes have no padding that could be read uninitialized.
      try ModelConfig(jsonText: unsafe bytes.span.bytes)
    }
    #expect(error?.found.contains("hidden_size") == true, "\(String(describing: error))")
  }

  @Test("Kinds have names of their own and find a place")
  func names() throws {
    let kinds = ConfigFaultCatalogue.all
    let configs = [try #require(try Self.configs().first)] + Self.ofLayouts()
    #expect(Set(kinds.map(\.name)).count == kinds.count)
    for kind in kinds {
      #expect(kind.statement.hasSuffix("."), "\(kind.name)")
      let isPlaced = configs.contains { kind.applied(to: $0, site: 0) != nil }
      #expect(isPlaced, "\(kind.name)")
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors
import Testing

@testable import CheckpointGenerators

@Suite("Faulty checkpoints")
struct FaultyCheckpointTests {
  private let spec: CheckpointSpec

  init() throws {
    let config = try ModelConfig(
      vocabularySize: 3, hiddenSize: 4, denseIntermediateSize: 6, moeIntermediateSize: 5,
      expertCount: 3, layerKinds: [.dense, .sparse, .sparse], attentionHeadCount: 1,
      keyValueHeadCount: 1, headSize: 2)
    spec = CheckpointSpec(
      AdapterSetup(config, AdapterOptions()), contents: TensorContents(.iota))
  }

  private func faulty(_ faults: (name: String, site: UInt64)...) throws -> FaultyCheckpoint {
    var spec = spec
    spec.faults = try faults.map { name, site in
      CheckpointFault(kind: try #require(CheckpointFaultCatalogue.position(of: name)), site: site)
    }
    return FaultyCheckpoint(spec)
  }

  @Test("Site zero is the first expert of the first sparse layer")
  func simplestSite() throws {
    let checkpoint = try faulty(("missing-expert", 0))
    #expect(
      checkpoint.offending.map(\.text)
        == ["gate", "up", "down"].map { "model.layers.1.mlp.experts.0.\($0)_proj.weight" })
    #expect(checkpoint.descriptions == ["layer 1 has no expert 0"])
  }

  @Test("A fault in a layer that another touched is left out; elsewhere both are made")
  func apart() throws {
    let near = try faulty(("missing-expert", 0), ("missing-router", 0))
    #expect(near.faults == ["missing-expert"])
    let far = try faulty(("missing-expert", 0), ("missing-router", 1), ("missing-head", 0))
    #expect(far.faults == ["missing-expert", "missing-router", "missing-head"])
    #expect(far.offending.count == 5)
  }

  @Test("A fault that changes the config, or everything, stands alone")
  func alone() throws {
    #expect(try faulty(("missing-head", 0), ("more-experts", 0)).faults == ["missing-head"])
    #expect(try faulty(("more-experts", 0), ("missing-head", 0)).faults == ["more-experts"])
  }

  @Test("Faults of the two sides are not mixed")
  func sides() throws {
    let checkpoint = try faulty(("native-surplus-layer", 0), ("missing-head", 0))
    #expect(checkpoint.faults == ["native-surplus-layer"])
    #expect(checkpoint.side == .native)
  }

  @Test("A fault that is made changes the tensors or the adapter they are given to")
  func changes() throws {
    var spec = spec
    spec.types = SourceTypes(experts: .f8E4M3, expertBias: .f32, others: .bf16, hasScales: true)
    for spec in [self.spec, spec] {
      for kind in CheckpointFaultCatalogue.all {
        let valid = FaultyCheckpoint(valid: spec, side: kind.side)
        var checkpoint = valid
        guard kind.apply(to: &checkpoint, site: 0) else { continue }
        let isGivenElsewhere = checkpoint.setup != valid.setup || checkpoint.infos != valid.infos
        let isChanged = try isGivenElsewhere || checkpoint.stateDict() != valid.stateDict()
        #expect(isChanged, "\(kind.name)")
      }
    }
  }

  @Test("A kind that finds no place leaves the checkpoint as it is")
  func noPlace() throws {
    let kind = try #require(CheckpointFaultCatalogue.position(of: "missing-factor"))
    var checkpoint = FaultyCheckpoint(valid: spec)
    let isMade = CheckpointFaultCatalogue.all[kind].apply(to: &checkpoint, site: 5)
    #expect(!isMade)
    #expect(checkpoint.infos == Checkpoint(spec).infos)
    #expect(checkpoint.offences.isEmpty && checkpoint.faults.isEmpty)
  }

  @Test("Where a kind finds no place, another takes its place")
  func givesWay() throws {
    let checkpoint = try faulty(("missing-factor", 5))
    #expect(checkpoint.faults.count == 1)
    #expect(checkpoint.faults != ["missing-factor"])
    #expect(!checkpoint.offences.isEmpty)
    let again = try faulty(("missing-factor", 5))
    #expect(again.faults == checkpoint.faults)
    let kinds = CheckpointFaultCatalogue.order(of: CheckpointFaultCatalogue.all.count, from: 3).map
    {
      CheckpointFaultCatalogue.all[$0].name
    }
    #expect(Set(kinds).count == CheckpointFaultCatalogue.all.count)
    #expect(kinds.first == CheckpointFaultCatalogue.all[3].name)
  }

  @Test("Tensors that a fault leaves alone keep their elements, renamed ones too")
  func elements() throws {
    let checkpoint = try faulty(("zero-padded-expert", 0))
    let found = try checkpoint.stateDict()
    let valid = try Checkpoint(spec).stateDict()
    let moved: TensorName = "model.layers.1.mlp.experts.00.gate_proj.weight"
    let changed = valid.filter { name in
      found[name == "model.layers.1.mlp.experts.0.gate_proj.weight" ? moved : name] != valid[name]
    }
    #expect(changed.isEmpty)
    #expect(found.infos == checkpoint.infos)
  }

  @Test("Kinds have names of their own")
  func names() {
    let kinds = CheckpointFaultCatalogue.all
    #expect(Set(kinds.map(\.name)).count == kinds.count)
  }
}

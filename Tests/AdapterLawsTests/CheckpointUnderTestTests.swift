// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import Tensors
import Testing

@Suite("One checkpoint under one adapter")
struct CheckpointUnderTestTests {
  @Test("The reference adapter breaks no law on a checkpoint with all kinds of layers")
  func allLaws() throws {
    let config = try ModelConfig(
      vocabularySize: 3, hiddenSize: 4, denseIntermediateSize: 5, moeIntermediateSize: 2,
      expertCount: 3, layerKinds: [.dense, .sparse, .sparse], mtpLayerCount: 1,
      attentionHeadCount: 1, keyValueHeadCount: 1, headSize: 2)
    for policy in MTPPolicy.allCases {
      for (types, target) in [(DType.bf16, DType.bf16), (.f32, .f16)] {
        let spec = CheckpointSpec(
          AdapterSetup(config, AdapterOptions(targetDType: target, mtpPolicy: policy)),
          types: SourceTypes(experts: types), keyOrder: .sorted,
          parallelism: try ExpertParallelism(rank: 1, size: 2), exclusion: .expert(1),
          contents: TensorContents(.random))
        let trial = CheckpointUnderTest(spec, ReferenceAdapter())
        for law in Laws.all {
          if case .broken(let violation) = law.verdict(on: trial) {
            Issue.record("\(law.name), \(policy), \(types) -> \(target): \(violation.summary)")
          }
        }
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Small checkpoints of every class that a fault asks for, all sizes different.
enum FaultSpecs {
  static func config(
    layers: [LayerKind] = [.dense, .sparse], experts: Int = 3, mtp: Int = 0,
    isPlain: Bool = true, hasBiases: Bool = false
  ) throws -> ModelConfig {
    try ModelConfig(
      vocabularySize: 7, hiddenSize: 4, denseIntermediateSize: 6, moeIntermediateSize: 5,
      expertCount: experts, sharedExpertCount: hasBiases ? 2 : 1, layerKinds: layers,
      mtpLayerCount: mtp, attentionHeadCount: 2,
      keyValueHeadCount: 1, headSize: 3, hasQueryKeyNorm: isPlain, hasExpertBias: isPlain,
      hasAttentionBias: hasBiases, hasMLPBias: hasBiases, tiesWordEmbeddings: !isPlain)
  }

  private static func spec(
    _ config: ModelConfig, _ options: AdapterOptions = AdapterOptions(),
    _ change: (inout CheckpointSpec) -> Void = { _ in }
  ) -> CheckpointSpec {
    var spec = CheckpointSpec(
      AdapterSetup(config, options), contents: TensorContents(.iota))
    change(&spec)
    return spec
  }

  /// The specs by what is special about them.
  static func all() throws -> [(name: String, spec: CheckpointSpec)] {
    let plain = try config()
    let mtp = try config(mtp: 1)
    let deep = try config(layers: [.dense, .sparse, .sparse], mtp: 1)
    let groups = AdapterOptions(completeness: .presentGroups)
    let nonGated = AdapterOptions(activation: .relu2)
    let preserve = AdapterOptions(mtpPolicy: .preserve)
    let second = try ExpertParallelism(rank: 1, size: 2)
    var result = [
      ("plain", spec(plain)),
      ("mtp dropped", spec(mtp)),
      ("mtp kept", spec(deep, preserve)),
      ("no prefix", spec(deep, AdapterOptions(prefix: .none, mtpPolicy: .preserve))),
      ("not gated", spec(plain, nonGated)),
      ("biases, two shared experts", spec(try config(mtp: 1, hasBiases: true))),
      ("tied, no norms or bias", spec(try config(isPlain: false))),
      ("one expert", spec(try config(experts: 1))),
      ("sparse only", spec(try config(layers: [.sparse, .sparse], experts: 2))),
      ("rank 1 of 2", spec(mtp) { $0.parallelism = second }),
      ("groups", spec(deep, groups)),
      ("reversed", spec(deep) { $0.keyOrder = .reversed }),
      (
        "experts only",
        spec(deep, AdapterOptions(mtpPolicy: .preserve, completeness: .presentGroups)) {
          $0.extent = .expertsOnly
        }
      ),
      (
        "experts of rank 1 of 2",
        spec(plain, groups) {
          $0.extent = .expertsOnly
          $0.parallelism = second
        }
      ),
      (
        "FP8 with scales",
        spec(plain, AdapterOptions(targetDType: .bf16)) {
          $0.types = SourceTypes(experts: .f8E4M3, hasScales: true)
        }
      ),
    ]
    for layout in LoRASpec.Layout.allCases {
      let lora = LoRASpec(layout, rank: 2)
      result += [
        ("\(layout) LoRA beside weights", spec(deep) { $0.lora = lora }),
        (
          "\(layout) LoRA only",
          spec(deep) {
            $0.lora = lora
            $0.extent = .loraOnly
          }
        ),
        (
          "\(layout) LoRA only, not gated, one expert",
          spec(try config(experts: 1, mtp: 1), nonGated) {
            $0.lora = LoRASpec(layout, rank: 1, prefix: "model.")
            $0.extent = .loraOnly
          }
        ),
        (
          "\(layout) LoRA only, two experts, two ranks",
          spec(try config(experts: 2)) {
            $0.lora = lora
            $0.extent = .loraOnly
            $0.parallelism = second
          }
        ),
      ]
    }
    // What the layout above has no place for, others may have.
    for name in Layout.knownNames where try Layout.named(name) != plain.layout {
      result += [
        ("layout \(name)", try LayoutSample.spec(name)),
        ("layout \(name), no flags", try LayoutSample.spec(name, hasFlags: false)),
      ]
    }
    return result
  }
}

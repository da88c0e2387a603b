// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Grouped low-rank factors that cannot go back to disk.
extension CheckpointFaultCatalogue {
  static let nativeFactors: [CheckpointFaultKind] = [
    factor(
      "native-factor-missing", "One of two grouped low-rank factors is missing.",
      source: "an adapter that trained and saved one half only"
    ) { checkpoint, name in
      checkpoint.lose([name], .missingTensor)
      return "is missing"
    },
    factor(
      "native-factor-experts", "A grouped low-rank factor lacks an expert.",
      source: "low-rank factors distributed over ranks, which adapters do not expect"
    ) { checkpoint, name in
      checkpoint.reshape(name) { [$0[0] - 1, $0[1], $0[2]] } ? "lacks an expert" : nil
    },
    factor(
      "native-factor-rank", "Two grouped low-rank factors differ in their rank.",
      source: "a factor truncated to another rank on its own"
    ) { checkpoint, name in
      guard name.text.hasSuffix("_A") else { return nil }
      return checkpoint.reshape(name) { [$0[0], $0[1], $0[2] + 1] } ? "has a larger rank" : nil
    },
    factor(
      "native-factor-transposed", "A grouped low-rank factor has its matrices transposed.",
      source: "fused factors that were swapped; they loaded without a warning and did nothing"
    ) { checkpoint, name in
      checkpoint.reshape(name) { [$0[0], $0[2], $0[1]] } ? "is transposed" : nil
    },
    CheckpointFaultKind(
      "fused-factor-in-native-form", "A fused low-rank factor of PEFT is there in native form.",
      source: "adapters given back to the wrong side", side: .native
    ) { checkpoint, site in
      guard let layer = site.pick(checkpoint.loraLayers) else { return nil }
      let name = checkpoint.loraKey(layer, checkpoint.layout.fusedName(ofLoRA: 0, "A"))
      guard checkpoint.add(TensorInfo(name, .bf16, [1, 1])) else { return nil }
      checkpoint.offend(name, .foreignLayout)
      return "layer \(layer) has a key \(name)"
    },
  ]

  private static func factor(
    _ name: String, _ statement: String, source: String,
    body: @escaping @Sendable (inout FaultyCheckpoint, TensorName) -> String?
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, statement, source: source, side: .native) { checkpoint, site in
      let layout = checkpoint.layout
      let natives = layout.lora.reversed().flatMap { entry in
        ["A", "B"].map { (layout.groups[entry.group].module, "\(entry.native)_\($0)") }
      }
      guard let layer = site.pick(checkpoint.loraLayers),
        let (module, native) = site.pick(natives)
      else { return nil }
      let words = body(&checkpoint, checkpoint.loraKey(layer, module + native))
      return words.map { "layer \(layer) has a tensor \(native) that \($0)" }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Grouped low-rank factors that cannot go back to disk; comments say where such faults come from.
extension CheckpointFaultCatalogue {
  static let nativeFactors: [CheckpointFaultKind] = [
    // An adapter that trained and saved one half only.
    factor("native-factor-missing", "is missing") { checkpoint, name in
      checkpoint.lose([name], .missingTensor)
      return true
    },
    // Low-rank factors distributed over ranks, which adapters do not expect.
    factor("native-factor-experts", "lacks an expert") { checkpoint, name in
      checkpoint.reshape(name) { [$0[0] - 1, $0[1], $0[2]] }
    },
    // A factor truncated to another rank on its own.
    factor("native-factor-rank", "has a larger rank") { checkpoint, name in
      name.text.hasSuffix("_A") && checkpoint.reshape(name) { [$0[0], $0[1], $0[2] + 1] }
    },
    // Fused factors that were swapped; they loaded without a warning and did nothing.
    factor("native-factor-transposed", "is transposed") { checkpoint, name in
      checkpoint.reshape(name) { [$0[0], $0[2], $0[1]] }
    },
    // Adapters given back to the wrong side.
    CheckpointFaultKind("fused-factor-in-native-form", side: .native) { checkpoint, site in
      guard let layer = site.pick(checkpoint.loraLayers) else { return nil }
      let name = checkpoint.loraKey(layer, checkpoint.layout.fusedName(ofLoRA: 0, "A"))
      return checkpoint.add(TensorInfo(name, .bf16, [1, 1]), .foreignLayout)
        ? "layer \(layer) has a key \(name)" : nil
    },
  ]

  private static func factor(
    _ name: String, _ words: String,
    body: @escaping @Sendable (inout FaultyCheckpoint, TensorName) -> Bool
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, side: .native) { checkpoint, site in
      let layout = checkpoint.layout
      let natives = layout.lora.reversed().flatMap { entry in
        ["A", "B"].map { (layout.groups[entry.group].module, "\(entry.native)_\($0)") }
      }
      guard let layer = site.pick(checkpoint.loraLayers),
        let (module, native) = site.pick(natives),
        body(&checkpoint, checkpoint.loraKey(layer, module + native))
      else { return nil }
      return "layer \(layer) has a tensor \(native) that \(words)"
    }
  }
}

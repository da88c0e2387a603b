// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// The reference adapter with faults that show on checkpoints of some shapes only.
struct ShapeFaults: AdapterUnderTest {
  let name = "shape faults"

  func session(for setup: AdapterSetup) -> any AdapterSession {
    Session(reference: ReferenceAdapter().session(for: setup), config: setup.config)
  }

  private struct Session: AdapterSession {
    let reference: any AdapterSession
    let config: ModelConfig

    func fromHF(_ onDisk: StateDict, _ parallelism: ExpertParallelism?) throws -> StateDict {
      let native = try reference.fromHF(onDisk, parallelism)
      return try renamed(native) { key in
        // Layers with two digits take the norms for each other.
        guard let layer = Self.layer(key), layer >= 10, layer < config.hiddenLayerCount else {
          return key
        }
        return Self.exchanged(key, "input_layernorm", "post_attention_layernorm")
      }
    }

    func toHF(
      _ native: StateDict, excluding: String, _ parallelism: ExpertParallelism?
    ) throws -> StateDict {
      let onDisk = try reference.toHF(native, excluding: excluding, parallelism)
      return try renamed(onDisk) { key in
        if config.expertCount > 100, key.contains(".experts.100.") {
          return Self.exchanged(key, "gate_proj", "up_proj")
        }
        if config.hiddenSize == 2 * config.moeIntermediateSize, config.hasQueryKeyNorm {
          return Self.exchanged(key, "q_norm", "k_norm")
        }
        return key
      }
    }

    func convertSingleTensorToHF(
      _ name: TensorName, _ tensor: Tensor, excluding: String, _ parallelism: ExpertParallelism?
    ) throws -> [(name: TensorName, tensor: Tensor)] {
      try reference.convertSingleTensorToHF(name, tensor, excluding: excluding, parallelism)
    }

    func isMTPKey(_ name: TensorName) throws -> Bool {
      // The first of several prediction layers is taken for the only one.
      try reference.isMTPKey(name)
        && (config.mtpLayerCount < 2 || Self.layer(name.text) == config.hiddenLayerCount)
    }

    private func renamed(_ dict: StateDict, _ key: (String) -> String) throws -> StateDict {
      try StateDict(dict.map { name, tensor in (TensorName(key(name.text)), tensor) })
    }

    private static func layer(_ key: String) -> Int? {
      let parts = key.split(separator: ".")
      return parts.firstIndex(of: "layers").flatMap { index in
        parts.indices.contains(index + 1) ? Int(parts[index + 1]) : nil
      }
    }

    private static func exchanged(_ key: String, _ one: String, _ other: String) -> String {
      key.contains(one) ? key.replacing(one, with: other) : key.replacing(other, with: one)
    }
  }
}

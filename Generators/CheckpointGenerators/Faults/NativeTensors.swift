// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Lists the native form of a spec's checkpoint.
struct NativeTensors {
  private let spec: CheckpointSpec

  init(_ spec: CheckpointSpec) {
    self.spec = spec
  }

  private var config: ModelConfig { spec.config }
  private var isGated: Bool { spec.options.activation.isGated }

  private var ownExperts: Range<Int> {
    spec.parallelism?.experts(of: config.expertCount) ?? 0..<config.expertCount
  }

  var infos: [TensorInfo] {
    var result: [TensorInfo] = []
    var grouped: Set<Int> = []
    for info in Checkpoint(spec).schema where !isFactor(info) {
      guard let key = KeyParts(info.name), let layer = Int(key.layer) else {
        result.append(info)
        continue
      }
      if layer >= config.hiddenLayerCount, spec.options.mtpPolicy == .drop { continue }
      guard let expert = key.expert else {
        result.append(renamed(info, key))
        continue
      }
      if grouped.insert(layer).inserted { appendExperts(key, to: &result) }
      if !info.name.text.hasSuffix(".weight"), ownExperts.contains(expert) { result.append(info) }
    }
    appendFactors(to: &result)
    return result
  }

  private func isFactor(_ info: TensorInfo) -> Bool { info.name.text.contains(".lora_") }

  private func renamed(_ info: TensorInfo, _ key: KeyParts) -> TensorInfo {
    let renames = [
      ("mlp.expert_bias", "mlp.gate.e_score_correction_bias"),
      ("mlp.router.gate.weight", "mlp.gate.weight"), ("mlp.shared_mlp.", "mlp.shared_experts."),
    ]
    for (old, new) in renames where key.rest.hasPrefix(old) {
      let name = "\(key.prefix)layers.\(key.layer).\(new)\(key.rest.dropFirst(old.count))"
      return TensorInfo(TensorName(name), info.dtype, info.shape)
    }
    return info
  }

  private func appendExperts(_ key: KeyParts, to result: inout [TensorInfo]) {
    guard !ownExperts.isEmpty else { return }
    let base = "\(key.prefix)layers.\(key.layer).mlp.experts."
    let (hidden, inter) = (config.hiddenSize, config.moeIntermediateSize)
    let (own, type) = (ownExperts.count, spec.options.targetDType)
    result += [
      TensorInfo("\(base)gate_and_up_projs", type, [own, hidden, isGated ? 2 * inter : inter]),
      TensorInfo("\(base)down_projs", type, [own, inter, hidden]),
    ]
  }

  private func appendFactors(to result: inout [TensorInfo]) {
    guard let lora = spec.lora else { return }
    let (experts, rank) = (config.expertCount, lora.rank)
    let (hidden, inter) = (config.hiddenSize, config.moeIntermediateSize)
    let gateAndUp = isGated ? 2 * inter : inter
    let factors: [(String, Shape)] = [
      ("lora_gate_and_up_A", [experts, hidden, rank]),
      ("lora_gate_and_up_B", [experts, rank, gateAndUp]),
      ("lora_down_A", [experts, inter, rank]), ("lora_down_B", [experts, rank, hidden]),
    ]
    for layer in FaultyCheckpoint.factorLayers(of: spec) {
      result += factors.map { name, shape in
        TensorInfo("\(lora.prefix)layers.\(layer).mlp.experts.\(name)", spec.types.others, shape)
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
public import Tensors

/// The tensors on disk that a spec describes.
public struct Checkpoint: Sendable {
  /// What the checkpoint follows from.
  public let spec: CheckpointSpec
  /// The tensors in schema order, in which addresses of elements count up.
  public let schema: [TensorInfo]
  /// The positions in `schema` in the order of the keys on disk.
  public let order: [Int]

  /// Lists the tensors of a spec.
  ///
  /// - Complexity: O(tensors log tensors).
  public init(_ spec: CheckpointSpec) {
    self.spec = spec
    schema = CheckpointTensors(spec).infos()
    order = spec.keyOrder.arranged(schema.map(\.name))
  }

  /// The tensors in the order of the keys on disk.
  public var infos: [TensorInfo] { order.map { schema[$0] } }

  /// The tensors with the spec's contents, or others, in the order of the keys on disk.
  ///
  /// The A factors of an expert's gate and up projections are the same, because native form has one
  /// for both.
  ///
  /// - Throws: `TensorError.outOfMemory`.
  public func stateDict(_ contents: TensorContents? = nil) throws(TensorError) -> StateDict {
    let result = try TensorContents.stateDict(
      infos, contents: contents ?? spec.contents, addresses: addresses)
    guard spec.lora?.layout == .perExpert, spec.options.activation.isGated else { return result }
    return try StateDict(
      result.lazy.map { name, tensor in
        let gate = TensorName(name.text.replacing(".up_proj.lora_A", with: ".gate_proj.lora_A"))
        return (name, result[gate] ?? tensor)
      })
  }

  /// The address of each tensor's first element, in the order of the keys on disk.
  public var addresses: [UInt64] {
    var next: UInt64 = 0
    let inSchema = schema.map { info in
      defer { next += UInt64(info.shape.elementCount) }
      return next
    }
    return order.map { inSchema[$0] }
  }
}

/// Lists the tensors of a spec in schema order.
struct CheckpointTensors {
  private let spec: CheckpointSpec

  init(_ spec: CheckpointSpec) {
    self.spec = spec
  }

  func infos() -> [TensorInfo] {
    var result: [TensorInfo] = []
    if spec.extent != .loraOnly { appendBase(to: &result) }
    if let lora = spec.lora { appendFactors(lora, to: &result) }
    return result
  }

  private var storedLayerCount: Int {
    spec.storesMTP ? spec.config.storedLayerCount : spec.config.hiddenLayerCount
  }

  private func appendBase(to result: inout [TensorInfo]) {
    let schema = ModelSchema(
      spec.config, prefix: spec.options.prefix, activation: spec.options.activation)
    for info in schema.tensors(includingMTP: spec.storesMTP) {
      let isExpert = info.name.contains(".mlp.experts.")
      if spec.extent == .expertsOnly, !isExpert { continue }
      let dtype =
        isExpert
        ? spec.types.experts
        : info.name.text.hasSuffix(".expert_bias") ? spec.types.expertBias : spec.types.others
      result.append(TensorInfo(info.name, dtype, info.shape))
      if isExpert, spec.types.hasScales {
        result.append(TensorInfo("\(info.name)_scale", .bf16, []))
      }
    }
  }

  private func appendFactors(_ lora: LoRASpec, to result: inout [TensorInfo]) {
    for layer in 0..<storedLayerCount where spec.config.isSparse(layer: layer) {
      let base = "\(lora.prefix)layers.\(layer).mlp.experts."
      switch lora.layout {
      case .perExpert: appendPerExpert(base, rank: lora.rank, to: &result)
      case .paramWrapper: appendFused(base, rank: lora.rank, isLegacy: false, to: &result)
      case .legacyParamWrapper: appendFused(base, rank: lora.rank, isLegacy: true, to: &result)
      }
    }
  }

  private func appendPerExpert(_ base: String, rank: Int, to result: inout [TensorInfo]) {
    let (hidden, inter) = (spec.config.hiddenSize, spec.config.moeIntermediateSize)
    for expert in 0..<spec.config.expertCount {
      var projections = [("up_proj", inter, hidden), ("down_proj", hidden, inter)]
      if spec.options.activation.isGated { projections.insert(("gate_proj", inter, hidden), at: 0) }
      for (name, rows, columns) in projections {
        let key = "\(base)\(expert).\(name)"
        result.append(factor("\(key).lora_A.weight", rank, columns))
        result.append(factor("\(key).lora_B.weight", rows, rank))
      }
    }
  }

  /// PEFT's ParamWrapper sees a grouped parameter `[experts, columns, rows]`; which of the two
  /// last axes it takes for the input changed in 0.19.1.
  private func appendFused(
    _ base: String, rank: Int, isLegacy: Bool, to result: inout [TensorInfo]
  ) {
    let (hidden, inter) = (spec.config.hiddenSize, spec.config.moeIntermediateSize)
    let gateAndUp = spec.options.activation.isGated ? 2 * inter : inter
    let fused = rank * spec.config.expertCount
    for (key, columns, rows) in [("base_layer.", hidden, gateAndUp), ("", inter, hidden)] {
      let (input, output) = isLegacy ? (rows, columns) : (columns, rows)
      result.append(factor("\(base)\(key)lora_A.weight", fused, input))
      result.append(factor("\(base)\(key)lora_B.weight", output, fused))
    }
  }

  private func factor(_ name: String, _ rows: Int, _ columns: Int) -> TensorInfo {
    TensorInfo(TensorName(name), spec.types.others, [rows, columns])
  }
}

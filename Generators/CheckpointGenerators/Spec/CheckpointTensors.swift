// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
public import Layouts
public import Tensors

/// Lists the tensors of a spec in schema order, from the rules of its layout.
struct CheckpointTensors {
  private let spec: CheckpointSpec
  private let layout: Layout
  private let values: LayoutValues

  init(_ spec: CheckpointSpec) {
    self.spec = spec
    layout = spec.config.layout
    values = spec.setup.values
  }

  /// The tensors, those that no rule of the layout knows last.
  func infos() -> [TensorInfo] {
    var result: [TensorInfo] = []
    if spec.extent != .loraOnly { appendBase(to: &result) }
    if let lora = spec.lora { appendFactors(lora, to: &result) }
    return result + spec.bystanderInfos
  }

  private var storedLayerCount: Int {
    spec.storesMTP ? spec.config.storedLayerCount : spec.config.hiddenLayerCount
  }

  private func appendBase(to result: inout [TensorInfo]) {
    for place in spec.config.tensorPlaces(values, layers: storedLayerCount, under: spec.prefix) {
      let rule = layout.tensors[place.rule]
      if spec.extent == .expertsOnly, !rule.isOfExperts { continue }
      // A config is checked when it is made, so every tensor has a shape.
      guard let shape = rule.extents(place.values).flatMap({ try? Shape($0) }) else { continue }
      result.append(TensorInfo(place.name, spec.types.type(of: rule), shape))
      guard rule.isOfExperts, spec.types.hasScales,
        let scale = layout.companions.first.flatMap(place.name.replacingWeight)
      else { continue }
      result.append(TensorInfo(scale, .bf16, []))
    }
  }

  private func appendFactors(_ lora: LoRASpec, to result: inout [TensorInfo]) {
    for layer in 0..<storedLayerCount where spec.config.isSparse(layer: layer) {
      switch lora.layout {
      case .perExpert:
        for expert in 0..<spec.config.expertCount { result += factors(lora, layer, expert) }
      case .paramWrapper: appendFused(lora, layer, isLegacy: false, to: &result)
      case .legacyParamWrapper: appendFused(lora, layer, isLegacy: true, to: &result)
      }
    }
  }

  /// The low-rank factors of an expert.
  func factors(_ lora: LoRASpec, _ layer: Int, _ expert: Int) -> [TensorInfo] {
    let start = layout.start(ofLayer: layer, under: lora.prefix)
    var result: [TensorInfo] = []
    for rule in layout.factorRules(values) {
      guard let shape = rule.extents(values), shape.count == 2 else { continue }
      for (factor, extents) in [("A", [lora.rank, shape[1]]), ("B", [shape[0], lora.rank])] {
        guard let name = rule.factorName(factor, expert: expert) else { continue }
        result.append(self.factor(start + name, extents))
      }
    }
    return result
  }

  /// PEFT's ParamWrapper sees a grouped parameter `[experts, columns, rows]`; which of the two
  /// last axes it takes for the input changed in 0.19.1.
  private func appendFused(
    _ lora: LoRASpec, _ layer: Int, isLegacy: Bool, to result: inout [TensorInfo]
  ) {
    let start = layout.start(ofLayer: layer, under: lora.prefix)
    let fused = lora.rank * spec.config.expertCount
    for lora in layout.lora.indices {
      guard let (columns, rows) = layout.features(ofLoRA: lora, values) else { continue }
      let (input, output) = isLegacy ? (rows, columns) : (columns, rows)
      result.append(factor(start + layout.fusedName(ofLoRA: lora, "A"), [fused, input]))
      result.append(factor(start + layout.fusedName(ofLoRA: lora, "B"), [output, fused]))
    }
  }

  private func factor(_ name: String, _ extents: [Int]) -> TensorInfo {
    TensorInfo(TensorName(name), spec.types.others, [extents[0], extents[1]])
  }

  /// The tensors of which native form has the first rows only, each with the number of their elements.
  func croppedTensors() -> [TensorName: Int] {
    guard layout.tensors.contains(where: \.isCropped) else { return [:] }
    var result: [TensorName: Int] = [:]
    for place in spec.config.tensorPlaces(values, layers: storedLayerCount, under: spec.prefix) {
      let rule = layout.tensors[place.rule]
      guard rule.isCropped, let extents = rule.nativeExtents(place.values) else { continue }
      result[place.name] = extents.reduce(1, *)
    }
    return result
  }

  /// The A factors that repeat another on disk, because native form has one for all parts of a group,
  /// with the one that they repeat.
  func repeatedFactors() -> [TensorName: TensorName] {
    guard let lora = spec.lora, lora.layout == .perExpert else { return [:] }
    var result: [TensorName: TensorName] = [:]
    for layer in 0..<storedLayerCount where spec.config.isSparse(layer: layer) {
      let start = layout.start(ofLayer: layer, under: lora.prefix)
      for entry in layout.lora {
        let rules = layout.groups[entry.group].parts.map { layout.tensors[$0] }.filter {
          $0.isPresent(values)
        }
        for expert in 0..<spec.config.expertCount {
          let names = rules.compactMap { $0.factorName("A", expert: expert) }
          for name in names.dropFirst() {
            result[TensorName(start + name)] = TensorName(start + names[0])
          }
        }
      }
    }
    return result
  }
}

extension SourceTypes {
  /// The element type on disk of a tensor of the layout.
  public func type(of rule: TensorRule) -> DType {
    if rule.isOfExperts { return rule.dtype ?? experts }
    guard let dtype = rule.dtype else { return others }
    return rule.role == .routerBias ? expertBias : dtype
  }
}

/// Names of low-rank factors.
extension TensorRule {
  /// What the key of an expert's factor has after the layer.
  func factorName(_ factor: String, expert: Int) -> String? {
    name.replacingWeight(by: "lora_\(factor).weight")?.name(expert: expert)
  }
}

extension Layout {
  /// The weights of experts that may have factors, in the order of the table.
  func factorRules(_ values: LayoutValues) -> [TensorRule] {
    let parts = Set(lora.flatMap { groups[$0.group].parts })
    return tensors.indices.filter(parts.contains).map { tensors[$0] }.filter {
      $0.isPresent(values)
    }
  }

  /// What the key of a fused factor has after the layer.
  func fusedName(ofLoRA index: Int, _ factor: String) -> String {
    // The first parameter is wrapped first, and the wrapper of the last is the outermost.
    let wrapper = String(repeating: "base_layer.", count: lora.count - 1 - index)
    return "\(groups[lora[index].group].module)\(wrapper)lora_\(factor).weight"
  }

  /// The two last axes of a group that has factors.
  func features(ofLoRA index: Int, _ values: LayoutValues) -> (columns: Int, rows: Int)? {
    guard let extents = extents(of: groups[lora[index].group], values, experts: 1),
      extents.count == 3
    else { return nil }
    return (extents[1], extents[2])
  }
}

extension AdapterSetup {
  /// What sizes and conditions of the layout are evaluated with.
  var values: LayoutValues {
    config.values(isGated: options.activation.isGated || !config.layout.hasGateOption)
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// A native tensor of all experts of a layer.
struct NativeExperts: Sendable {
  /// What its key has after the layer.
  let rest: String
  let dtype: DType
  let extents: [Int]
  /// Whether it is a group, without which others of its layer are of no use.
  let isGroup: Bool

  /// The last component of its key.
  var word: String { String(rest.split(separator: ".").last ?? "") }
}

/// Lists the native form of a spec's checkpoint.
struct NativeTensors {
  private let spec: CheckpointSpec

  init(_ spec: CheckpointSpec) {
    self.spec = spec
  }

  private var config: ModelConfig { spec.config }
  private var layout: Layout { spec.config.layout }

  private var ownExperts: Range<Int> {
    let all = 0..<config.expertCount
    return layout.isSliced ? spec.parallelism?.experts(of: all.count) ?? all : all
  }

  /// The native tensors of a layer's experts, holding some or all of them.
  func experts(_ layer: Int, count: Int) -> [NativeExperts] {
    let values = config.values(spec.setup.values, ofLayer: layer)
    var result = layout.groups.compactMap { group -> NativeExperts? in
      guard group.kinds?.contains(.sparse) ?? false,
        let extents = layout.extents(of: group, values, experts: count)
      else { return nil }
      return NativeExperts(
        rest: group.name,
        dtype: group.isCast
          ? layout.target(spec.options.targetDType) : spec.types.experts,
        extents: extents, isGroup: true)
    }
    for rule in layout.tensors where rule.isOfExperts && rule.isPresent(values) {
      guard case .renamed(let name) = rule.native, let extents = rule.extents(values) else {
        continue
      }
      result.append(
        NativeExperts(
          rest: name.start, dtype: spec.types.type(of: rule), extents: extents, isGroup: false))
    }
    return result
  }

  /// The native form of the spec's checkpoint.
  func infos(of checkpoint: Checkpoint) -> [TensorInfo] {
    var result: [TensorInfo] = []
    var grouped: Set<Int> = []
    for info in checkpoint.schema {
      let key = LenientKey(info.name, layout)
      guard let layer = key.layer else {
        result.append(info)
        continue
      }
      let isDropped = layer >= config.hiddenLayerCount && spec.setup.dropsMTP
      switch key.subject {
      case .factor, .fusedFactor: continue
      case _ where isDropped: continue
      case .tensor(let position):
        let rule = layout.tensors[position]
        if !rule.pieces.isEmpty {
          let values = config.values(spec.setup.values, ofLayer: layer)
          for piece in rule.pieces(values) ?? [] {
            guard let shape = try? Shape(piece.extents) else { continue }
            result.append(TensorInfo(TensorName(start(key) + piece.name), info.dtype, shape))
          }
        } else if case .part = rule.native {
          if grouped.insert(layer).inserted { appendGroups(key, layer, to: &result) }
        } else {
          let name = layout.nativeName(of: rule).map { TensorName(start(key) + $0) }
          let extents = rule.nativeExtents(config.values(spec.setup.values, ofLayer: layer))
          let shape = rule.nativeExtents == nil ? nil : extents.flatMap { try? Shape($0) }
          result.append(
            TensorInfo(
              name ?? info.name, rule.loadedType ?? info.dtype, shape ?? info.shape))
        }
      case .companion: if key.expert.map(ownExperts.contains) ?? true { result.append(info) }
      default: result.append(info)
      }
    }
    appendFactors(to: &result)
    return result.map {
      TensorInfo(
        layout.toNative($0.name), layout.loaded($0.dtype, asked: spec.options.targetDType), $0.shape
      )
    }
  }

  /// What a key has up to the layer, with the dot.
  private func start(_ key: LenientKey) -> String {
    String(key.name.text.dropLast(key.rest.count))
  }

  private func appendGroups(_ key: LenientKey, _ layer: Int, to result: inout [TensorInfo]) {
    guard !ownExperts.isEmpty else { return }
    for native in experts(layer, count: ownExperts.count) where native.isGroup {
      guard let shape = try? Shape(native.extents) else { continue }
      result.append(TensorInfo(TensorName(start(key) + native.rest), native.dtype, shape))
    }
  }

  private func appendFactors(to result: inout [TensorInfo]) {
    guard let lora = spec.lora else { return }
    let (experts, rank) = (config.expertCount, lora.rank)
    for layer in FaultyCheckpoint.factorLayers(of: spec) {
      let start = layout.start(ofLayer: layer, under: lora.prefix)
      for (index, entry) in layout.lora.enumerated() {
        guard let (columns, rows) = layout.features(ofLoRA: index, spec.setup.values) else {
          continue
        }
        let name = "\(start)\(layout.groups[entry.group].module)\(entry.native)"
        result += [
          TensorInfo(TensorName("\(name)_A"), spec.types.others, [experts, columns, rank]),
          TensorInfo(TensorName("\(name)_B"), spec.types.others, [experts, rank, rows]),
        ]
      }
    }
  }
}

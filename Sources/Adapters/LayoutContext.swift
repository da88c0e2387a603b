// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// A config and options, with what planners of both directions derive from them once.
struct LayoutContext: Sendable {
  let config: ModelConfig
  let options: AdapterOptions
  /// The rules of the grouped tensors for the experts' activation.
  let groups: [ExpertGroup]
  /// The names of the config's base tensors.
  let catalog: NameCatalog

  init(_ config: ModelConfig, _ options: AdapterOptions) {
    self.config = config
    self.options = options
    let isGated = options.activation.isGated
    groups = isGated ? HyLayout.groups : HyLayout.groups.map(\.nonGated)
    catalog = NameCatalog(
      config, ModelSchema(config, prefix: options.prefix, activation: options.activation),
      LayerTensors(config, isGated: isGated), groups)
  }

  /// What the keys of the model start with.
  var prefix: String { options.prefix.text(in: config.layout) }

  /// The tensors of a whole checkpoint on disk.
  var schema: [TensorInfo] { catalog.schema }

  /// Whether a key belongs to a layer behind the decoder layers; LoRA factors under PEFT's own
  /// prefix do not, as upstream has it.
  func isMTP(_ key: LayerKey) -> Bool {
    guard [prefix, config.layout.prefixes[0], ""].contains(where: { key.prefix == $0 }) else {
      return false
    }
    // A number too large for an integer is larger than any layer count.
    return Int(key.layerText).map { $0 >= config.hiddenLayerCount } ?? true
  }

  /// The numbers of the names on disk that a whole model has under the options.
  var required: some Sequence<Int> {
    let isMTPDropped = options.mtpPolicy == .drop
    let mtp = catalog.mtp
    return catalog.schema.indices.lazy.filter { !(isMTPDropped && mtp.contains($0)) }
  }

  /// The experts of a rank, or all.
  func experts(of parallelism: ExpertParallelism?) -> Range<Int> {
    parallelism?.experts(of: config.expertCount) ?? 0..<config.expertCount
  }

  /// The numbers of the names on disk of one expert's parts of a group, in the order of its rule.
  func parts(of group: Int, expert: Int) -> ArraySlice<Int> {
    let parts = catalog.groups[group].parts
    let count = parts.count / config.expertCount
    return parts[expert * count..<(expert + 1) * count]
  }

  /// Whether all tensors of the schema must be there; state dicts of nothing but LoRA are exempt.
  func asksForWholeModel(_ sources: [TensorInfo], _ index: SourceIndex) -> Bool {
    options.completeness == .wholeModel
      && (sources.isEmpty || !index.isForeign || !sources.allSatisfy(\.name.isLoRA))
  }

  /// The extents of one part of a group on disk, `[rows, columns]`, for a LoRA rank.
  func extents(of part: ExpertGroup.Part, in group: ExpertGroup, rank: Int) -> [Int] {
    [part.rows.extent(in: config) ?? rank, group.columns.extent(in: config) ?? rank]
  }

  /// A key on disk of one expert's part.
  func name(
    prefix: Substring, layer: Int, expert: Int, _ projection: Projection, _ group: ExpertGroup
  ) -> TensorName {
    TensorName(
      "\(prefix)layers.\(layer).mlp.experts.\(expert).\(projection.rawValue).\(group.suffix)")
  }
}

extension TensorName {
  private static let loraSuffixes =
    [".lora_A.weight", ".lora_B.weight"]
    + HyLayout.groups.filter(\.isLoRA).map { ".\($0.native)" }

  /// Whether the key is a low-rank factor, which keeps its prefix whatever that is.
  var isLoRA: Bool {
    Self.loraSuffixes.contains { text.hasSuffix($0) }
  }

  /// Whether the key mentions a tensor that the layout rules own on either side, wherever it stands.
  var mentionsExperts: Bool {
    text.contains("mlp.experts.")
      || HyLayout.renames.contains { rule in
        [rule.hf, rule.native].contains { side in
          rule.matches == .whole ? text.hasSuffix(side) : text.contains(side)
        }
      }
  }

  /// The key of the weight that a quantization scale belongs to, or nil if this is no scale.
  var weightOfScale: TensorName? {
    // Most keys are no scales, and end in neither letter.
    guard text.utf8.last == UInt8(ascii: "e") || text.utf8.last == UInt8(ascii: "v"),
      let suffix = ExpertKey.scaleSuffixes.first(where: { text.hasSuffix($0) })
    else { return nil }
    let module = text.dropLast(suffix.count)
    return module.utf8.last == UInt8(ascii: ".") ? TensorName("\(module)weight") : nil
  }
}

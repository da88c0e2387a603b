// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// A config and options, with what planners of both directions derive from them once.
struct LayoutContext: Sendable {
  let config: ModelConfig
  let options: AdapterOptions
  /// The rules of the grouped tensors for the experts' activation.
  let groups: [ExpertGroup]
  /// The tensors of a whole checkpoint on disk.
  let schema: [TensorInfo]
  private let shapes: [TensorName: Shape]

  init(_ config: ModelConfig, _ options: AdapterOptions) {
    self.config = config
    self.options = options
    groups = options.activation.isGated ? Layout.groups : Layout.groups.map(\.nonGated)
    schema = ModelSchema(config, prefix: options.prefix, activation: options.activation).tensors()
    shapes = Dictionary(schema.map { ($0.name, $0.shape) }, uniquingKeysWith: { first, _ in first })
  }

  /// The shape that the schema gives a name on disk, or nil for names outside it.
  func shape(onDisk name: TensorName) -> Shape? { shapes[name] }

  /// Whether a key belongs to a layer behind the decoder layers; LoRA factors under PEFT's own
  /// prefix do not, as upstream has it.
  func isMTP(_ key: LayerKey) -> Bool {
    guard [options.prefix.rawValue, "model.", ""].contains(where: { key.prefix == $0 }) else {
      return false
    }
    // A number too large for an integer is larger than any layer count.
    return Int(key.layerText).map { $0 >= config.hiddenLayerCount } ?? true
  }

  /// The tensors of the schema that a state dict must hold.
  func required(includingMTP: Bool) -> some Sequence<TensorInfo> {
    let mtpStarts = (config.hiddenLayerCount..<config.storedLayerCount).map {
      "\(options.prefix.rawValue)layers.\($0)."
    }
    return schema.lazy.filter { info in
      includingMTP || !mtpStarts.contains { info.name.text.hasPrefix($0) }
    }
  }

  /// The extents of one part of a group on disk, `[rows, columns]`, for a LoRA rank.
  func extents(of part: ExpertGroup.Part, in group: ExpertGroup, rank: Int) -> [Int] {
    [part.rows.extent(in: config) ?? rank, group.columns.extent(in: config) ?? rank]
  }

  /// The shape of a grouped tensor, `[experts, columns, rows of all parts]`, for a LoRA rank.
  func shape(of group: ExpertGroup, experts: Int, rank: Int) throws(TensorError) -> Shape {
    let rows = group.parts.map { $0.rows.extent(in: config) ?? rank }.reduce(0, +)
    return try Shape([experts, group.columns.extent(in: config) ?? rank, rows])
  }

  /// A key on disk of one expert's part.
  func name(
    prefix: Substring, layer: Int, expert: Int, _ projection: Projection, _ group: ExpertGroup
  ) -> TensorName {
    TensorName(
      "\(prefix)layers.\(layer).mlp.experts.\(expert).\(projection.rawValue).\(group.suffix)")
  }

  /// The moves between the parts of one expert and its place in the grouped tensor, as regions
  /// of `[1, rows, columns]` on disk and of `[experts, columns, rows]` in the group.
  func regions(
    of group: ExpertGroup, grouped: Shape, slot: Int, rank: Int
  ) -> [(projection: Projection, onDisk: Region, inGroup: Region)] {
    var start = 0
    return group.parts.map { part in
      let extents = extents(of: part, in: group, rank: rank)
      defer { start += extents[0] }
      return (
        part.projection, Region(whole: [1] + extents),
        Region(
          view: grouped.extents, lower: [slot, 0, start], extents: [1, extents[1], extents[0]])
      )
    }
  }

  /// The axes of a group's matrices exchange their places.
  static let transposed = [0, 2, 1]
}

extension TensorName {
  private static let loraSuffixes =
    [".lora_A.weight", ".lora_B.weight"]
    + Layout.groups.filter(\.isLoRA).map { ".\($0.native)" }

  /// Whether the key is a low-rank factor, which keeps its prefix whatever that is.
  var isLoRA: Bool {
    Self.loraSuffixes.contains { text.hasSuffix($0) }
  }

  /// Whether the key mentions a tensor that the layout rules own on either side, wherever it stands.
  var mentionsExperts: Bool {
    text.contains("mlp.experts.")
      || Layout.renames.contains { rule in
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

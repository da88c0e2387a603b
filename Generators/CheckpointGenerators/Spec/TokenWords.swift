// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// One value in the text of a checkpoint: how it is written and read.
struct TokenWord {
  let name: String
  /// The values that there are, if they are a closed list.
  var values: [String] = []
  let text: (CheckpointSpec) -> String
  /// Whether the value could be read.
  let read: (inout TokenDraft, String) -> Bool

  /// The values of checkpoints of a layout, in the order of texts: those of its configs first.
  static func all(of layout: Layout) -> [TokenWord] {
    sizes(of: layout) + flags(of: layout) + ofConfigs + denseKinds(of: layout)
      + variants(of: layout) + ofSpecs
  }

  private static func sizes(of layout: Layout) -> [TokenWord] {
    layout.sizes.indices.filter { layout.sizes[$0].hasField }.map { position in
      let rule = layout.sizes[position]
      return ofConfig(rule.field, { $0.sizes[position] }) { $0.sizes[rule.symbol] = $1 }
    }
  }

  private static func flags(of layout: Layout) -> [TokenWord] {
    layout.flags.indices.map { position in
      let rule = layout.flags[position]
      return ofConfig(rule.field, { $0.flags[position] }) { $0.flags[rule.name] = $1 }
    }
  }

  private static var ofConfigs: [TokenWord] {
    [
      ofConfig("layers", { LayerRuns(kinds: $0.layerKinds) }) { $0.layers = $1.kinds },
      ofConfig("mtp-layers", \.mtpLayerCount) { $0.mtpLayers = $1 },
      ofConfig("dtype", \.dtype) { $0.dtype = $1 },
    ]
  }

  /// Which of several kinds the layers without experts have.
  private static func denseKinds(of layout: Layout) -> [TokenWord] {
    guard !layout.layers.denseNames.isEmpty else { return [] }
    return [
      ofConfig("dense-kinds", { NumberList(numbers: $0.denseKinds) }) { $0.denseKinds = $1.numbers }
    ]
  }

  /// The layers with sizes of their own, and those sizes.
  private static func variants(of layout: Layout) -> [TokenWord] {
    guard layout.variant != nil else { return [] }
    let layers = ofConfig("variant-layers", { NumberList(numbers: $0.variant.layers.sorted()) }) {
      $0.variant = .init(layers: Set($1.numbers), sizes: $0.variant.sizes)
    }
    let sizes = layout.sizes.indices.compactMap { position -> TokenWord? in
      guard let rule = layout.sizes[position].variant, rule.constant == nil else { return nil }
      return ofConfig(rule.field, { $0.variant.sizes[position] }) { draft, size in
        var sizes = draft.variant.sizes
        sizes[position] = size
        draft.variant = .init(layers: draft.variant.layers, sizes: sizes)
      }
    }
    return [layers] + sizes
  }

  private static var ofSpecs: [TokenWord] {
    [
      ofSpec("experts", \.types.experts), ofSpec("scales", \.types.hasScales),
      ofSpec("router-bias", \.types.expertBias), ofSpec("others", \.types.others),
      ofSpec("target", \.setup.options.targetDType),
      ofSpec("activation", \.setup.options.activation), ofSpec("extent", \.extent),
      ofSpec("mtp-stored", \.storesMTP), ofSpec("mtp", \.setup.options.mtpPolicy),
      ofSpec("completeness", \.setup.options.completeness),
      ofSpec("prefix", \.setup.options.prefix), ofSpec("lora", \.lora),
      ofSpec("stated-lora", \.setup.options.paramWrapperLayout), ofSpec("ep", \.parallelism),
      ofSpec("order", \.keyOrder), ofSpec("exclude", \.exclusion),
      ofSpec("unknown-keys", \.bystanders), ofSpec("contents", \.contents),
      ofSpec("variation", \.variation),
      TokenWord(
        name: "fault", text: { FaultList.text(of: $0) },
        read: { draft, text in
          guard let faults = FaultList.faults(text, draft.kinds) else { return false }
          draft.spec.faults = faults
          return true
        }),
    ]
  }

  private static func ofSpec<Value: TokenValue>(
    _ name: String, _ path: WritableKeyPath<CheckpointSpec, Value>
  ) -> TokenWord {
    TokenWord(name: name, values: Value.tokenTexts, text: { $0[keyPath: path].tokenText }) {
      draft, text in
      guard let value = Value(tokenText: text) else { return false }
      draft.spec[keyPath: path] = value
      return true
    }
  }

  private static func ofConfig<Value: TokenValue>(
    _ name: String, _ value: @escaping (ModelConfig) -> Value,
    _ set: @escaping (inout ConfigDraft, Value) -> Void
  ) -> TokenWord {
    TokenWord(name: name, values: Value.tokenTexts, text: { value($0.config).tokenText }) {
      draft, text in
      guard let value = Value(tokenText: text) else { return false }
      set(&draft.config, value)
      return true
    }
  }
}

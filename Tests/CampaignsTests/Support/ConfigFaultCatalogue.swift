// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

@testable import CheckpointGenerators

/// All ways in which texts of configs are made invalid.
enum ConfigFaultCatalogue {
  /// The kinds.
  static let all: [ConfigFaultKind] = values + contradictions + malformedTexts

  private static let values: [ConfigFaultKind] = [
    value("missing-field", "A field is missing.", of: \.requiredFields, nil),
    value("null-field", "A field is null.", of: \.requiredFields, "null"),
    value("zero", "A size is zero.", of: \.positiveFields, "0"),
    value("negative", "A number is negative.", of: \.numberFields, "-1"),
    value("too-large", "A number is far too large.", of: \.numberFields, "9223372036854775807"),
    value(
      "beyond-integers", "A number fits no integer.", of: \.numberFields, "18446744073709551616"),
    value("fraction", "A number has a fraction.", of: \.numberFields, "3.5"),
    value("exponent", "A number has a huge exponent.", of: \.numberFields, "1e300"),
    value("quoted", "A number is a string.", of: \.numberFields, "\"4\""),
    value("boolean", "A number is a truth value.", of: \.numberFields, "true"),
    value("list", "A number is a list.", of: \.numberFields, "[4]"),
    value("object", "A number is an object.", of: \.numberFields, "{}"),
    value("numeric-flag", "A flag is a number.", of: \.flagFields, "1"),
    value("quoted-flag", "A flag is a string.", of: \.flagFields, "\"true\""),
    value("unknown-dtype", "The element type is unknown.", of: dtypeFields, "\"int8\""),
    value("numeric-dtype", "The element type is a number.", of: dtypeFields, "16"),
    value("other-model", "The model is another.", of: modelFields, "\"llama\""),
    value("numeric-model", "The model type is a number.", of: modelFields, "3"),
    value(
      "unknown-layer-kind", "A layer kind is unknown.", of: { $0.layerFields(.kinds) },
      "[\"moe\"]"),
    value(
      "layer-kinds-text", "Layer kinds are no list.", of: { $0.layerFields(.kinds) },
      "\"sparse\""),
    value(
      "negative-dense-count", "The number of dense layers is negative.",
      of: { $0.layerFields(.count) }, "-1"),
    value(
      "unknown-layer", "A list of layers has one that there is not.",
      of: { $0.layerFields(.list) }, "[4096]"),
    value(
      "no-layer-list", "A list of layers is no list.", of: { $0.layerFields(.list) }, "true"),
    value("no-variant-list", "A list of texts is none.", of: \.variantLists, "3"),
  ]

  private static func dtypeFields(_ layout: Layout) -> [String] { ["dtype", "torch_dtype"] }
  private static func modelFields(_ layout: Layout) -> [String] { ["model_type"] }

  private static let contradictions: [ConfigFaultKind] = [
    alias("conflicting-width", of: { $0 == .intermediate }),
    alias("conflicting-experts", of: { $0 == .experts }),
    alias("conflicting-size", of: { $0 == nil }),
    ConfigFaultKind("conflicting-dtype", "dtype and torch_dtype contradict each other.") {
      config, _ in
      var text = ConfigText(config)
      text["torch_dtype"] = config.dtype == .f32 ? "\"bfloat16\"" : "\"float32\""
      return faulty(text, "torch_dtype", "dtype and torch_dtype contradict each other")
    },
    ConfigFaultKind("short-layer-kinds", "There are fewer layer kinds than layers.") { config, _ in
      guard let field = config.layout.layerFields(.kinds).first else { return nil }
      var text = ConfigText(config)
      let count = config.layout.layers.countField
      text[count] = "\(config.hiddenLayerCount + 1)"
      return faulty(text, field, "layer kinds are fewer than \(count)")
    },
    ConfigFaultKind("long-layer-kinds", "There are more layer kinds than layers.") { config, _ in
      guard config.hiddenLayerCount > 1, let field = config.layout.layerFields(.kinds).first else {
        return nil
      }
      var text = ConfigText(config)
      let count = config.layout.layers.countField
      text[count] = "\(config.hiddenLayerCount - 1)"
      return faulty(text, field, "layer kinds are more than \(count)")
    },
    ConfigFaultKind(
      "conflicting-dense-count", "The number of dense layers contradicts the layer kinds."
    ) { config, _ in
      guard let field = config.layout.layerFields(.count).first,
        let kinds = config.layout.layerFields(.kinds).first
      else { return nil }
      let dense = config.layerKinds.prefix { $0 == .dense }.count
      var text = ConfigText(config)
      text[field] = "\(dense == 0 ? 1 : dense - 1)"
      return faulty(text, kinds, "\(field) is off by one")
    },
    ConfigFaultKind("too-many-dense", "There are more dense layers than layers.") { config, _ in
      guard let field = config.layout.layerFields(.count).first else { return nil }
      var text = ConfigText(config)
      text[field] = "\(config.hiddenLayerCount + 1)"
      return faulty(text, field, "dense layers are more than all layers")
    },
    ConfigFaultKind("no-layer-kinds", "Nothing says which layers are dense.") { config, _ in
      guard let field = config.layout.requiredLayerField else { return nil }
      var text = ConfigText(config)
      for field in config.layout.layers.patterns.flatMap(\.fields) { text[field] = nil }
      return faulty(text, field, "layer kinds are stated nowhere")
    },
    ConfigFaultKind("underivable-head-size", "The head size does not follow.") { config, _ in
      guard let (size, divisor, dividend) = config.layout.quotient else { return nil }
      var text = ConfigText(config)
      text[size.field] = nil
      text[divisor.field] = "\((config[dividend] ?? 1) + 1)"
      return faulty(
        text, size.field,
        "\(size.field) is missing and the size it follows from has no such divisor")
    },
    ConfigFaultKind("too-many-experts", "The experts of all layers are too many.") { config, _ in
      let layout = config.layout
      guard let experts = layout.position(of: .experts).map({ layout.sizes[$0].field }) else {
        return nil
      }
      var text = ConfigText(config)
      text[layout.layers.countField] = "4096"
      let kinds = layout.layerFields(.kinds)
      for field in kinds { text[field] = nil }
      if kinds.count == layout.layers.patterns.count, let field = kinds.first {
        text[field] = "[\(String(repeating: "\"sparse\",", count: 4095))\"sparse\"]"
      }
      for pattern in layout.layers.patterns {
        guard case .kinds(let field, let names) = pattern, names != LayerRule.KindName.plain,
          text[field]?.first == "\"", let sparse = names.first(where: { $0.name == "sparse" })
        else { continue }
        text[field] = "\"\(String(repeating: sparse.texts[0], count: 4096))\""
      }
      for field in layout.layerFields(.count) { text[field] = "0" }
      for field in layout.layerFields(.list) { text[field] = "[]" }
      text[experts] = "16384"
      return faulty(text, experts, "experts are within range and their product is not")
    },
  ]

  private static let malformedTexts: [ConfigFaultKind] = [
    ConfigFaultKind("duplicate-field", "A field is there twice.") { config, site in
      guard let field = site.pick(config.layout.requiredFields) else { return nil }
      var text = ConfigText(config)
      text.append(field, text[field] ?? "0")
      return faulty(text, "config.json", "field \(field) is there twice")
    },
    malformed("empty-text", "The text is empty.") { _ in [] },
    malformed("truncated-text", "The text ends too early.") { Array($0.dropLast()) },
    malformed("trailing-text", "There is text after the object.") { $0 + Array("{}".utf8) },
    malformed("no-object", "The text is a list.") { Array("[".utf8) + $0 + Array("]".utf8) },
    malformed("not-a-number", "A value is nan, which neither Python writes nor JSON knows.") {
      Array("{\"rms_norm_eps\": nan, ".utf8) + $0.dropFirst()
    },
    malformed("invalid-text", "The text is not UTF-8.") {
      Array("{\"name\": \"".utf8) + [0xff] + Array("\", ".utf8) + $0.dropFirst()
    },
    malformed("deep-text", "Values are nested without end.") { _ in
      [UInt8](repeating: UInt8(ascii: "["), count: 100_000)
    },
  ]

  private static func faulty(
    _ text: ConfigText, _ field: String, _ description: String
  ) -> FaultyConfig {
    FaultyConfig(bytes: text.bytes, field: field, description: description)
  }

  private static func value(
    _ name: String, _ statement: String, of fields: @escaping @Sendable (Layout) -> [String],
    _ value: String?
  ) -> ConfigFaultKind {
    ConfigFaultKind(name, statement) { config, site in
      guard let field = site.pick(fields(config.layout)) else { return nil }
      var text = ConfigText(config)
      text[field] = value
      return faulty(text, field, "field \(field) is \(value ?? "missing")")
    }
  }

  /// Two spellings of one size that have different values.
  private static func alias(
    _ name: String, of isMeant: @escaping @Sendable (SizeSymbol?) -> Bool
  ) -> ConfigFaultKind {
    ConfigFaultKind(name, "Two spellings of one size contradict each other.") { config, site in
      let spellings = zip(config.layout.sizes, config.sizes).flatMap {
        rule, size -> [(field: String, other: String, size: Int)] in
        guard isMeant(SizeSymbol(rawValue: rule.symbol)),
          case .fields(let names, let aliases, _) = rule.source
        else { return [] }
        return (names.dropFirst() + aliases).map { (names[0], $0, size) }
      }
      guard let (field, other, size) = site.pick(spellings) else { return nil }
      var text = ConfigText(config)
      text[other] = "\(size + 1)"
      return faulty(text, other, "\(field) and \(other) contradict each other")
    }
  }

  private static func malformed(
    _ name: String, _ statement: String, _ change: @escaping @Sendable ([UInt8]) -> [UInt8]
  ) -> ConfigFaultKind {
    ConfigFaultKind(name, statement) { config, _ in
      FaultyConfig(
        bytes: change(ConfigText(config).bytes), field: "config.json",
        description: "text is malformed: \(statement.dropLast())")
    }
  }
}

/// The fields of a layout's configs by what they hold.
extension Layout {
  /// How a field says which layers have experts.
  enum LayerFieldKind {
    case count, kinds, list
  }

  /// The fields that say in one way which layers have experts.
  func layerFields(_ kind: LayerFieldKind) -> [String] {
    layers.patterns.compactMap { pattern in
      switch (pattern, kind) {
      case (.from(let field, _), .count), (.kinds(let field, LayerRule.KindName.plain), .kinds),
        (.except(let field, _), .list),
        (.only(let field), .list):
        field
      default: nil
      }
    }
  }

  /// The first field that says which layers have experts, if one of them must be there.
  var requiredLayerField: String? {
    let isOptional = layers.patterns.contains { pattern in
      switch pattern {
      case .all, .except: true
      case .from(_, let fallback): fallback != nil
      case .kinds, .only: false
      }
    }
    return isOptional ? nil : layers.patterns.first?.field
  }

  /// Fields that must be there, whatever others are.
  var requiredFields: [String] {
    ["model_type"] + sizes.filter { $0.hasField && !$0.hasFallback }.map(\.field)
      + [layers.countField]
  }

  /// Fields of numbers that are positive.
  var positiveFields: [String] {
    sizes.filter { $0.hasField && $0.least > 0 }.map(\.field) + [layers.countField]
  }

  /// Fields of numbers.
  var numberFields: [String] {
    sizes.filter(\.hasField).map(\.field) + [layers.countField]
      + (layers.prediction.map { [$0.field] } ?? [])
  }

  var flagFields: [String] { flags.map(\.field) }

  /// Fields that name layers with sizes of their own.
  var variantLists: [String] { variant.map { [$0.listField] } ?? [] }

  /// A size that is the quotient of two others where it is not stated.
  var quotient: (size: SizeRule, divisor: SizeRule, dividend: SizeSymbol)? {
    for rule in sizes {
      guard case .fields(_, _, .binary(.over, let left, let right)) = rule.source,
        let dividend = left.singleSize, let divisor = right.singleSize,
        let symbol = SizeSymbol(rawValue: sizes[dividend].symbol)
      else { continue }
      return (rule, sizes[divisor], symbol)
    }
    return nil
  }
}

extension SizeRule {
  /// Whether a config may leave the size out.
  fileprivate var hasFallback: Bool {
    if case .fields(_, _, let fallback) = source { fallback != nil } else { true }
  }
}

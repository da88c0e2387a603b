// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import StrictJSON

/// Layers with sizes of their own, as configs list them.
extension ConfigFields {
  /// The layers with sizes of their own; a list that is absent or too short names none.
  func variant(_ layout: Layout, count: Int) throws(ConfigError) -> ModelConfig.Variant {
    guard let rule = layout.variant, let list = value(rule.listField) else {
      return ModelConfig.Variant()
    }
    if rule.isListOfSizes { return try sizesByLayer(layout, list, count) }
    if let first = rule.first { return try layers(layout, rule, list, first, count) }
    let kinds = list.arrayValue?.map { $0.stringValue ?? $0.wholeValue.map { "\($0)" } } ?? []
    guard let elements = list.arrayValue, kinds.compactMap({ $0 }).count == elements.count else {
      throw ConfigError(
        field: rule.listField, expected: "a list of texts or numbers", found: "\(list.kind)")
    }
    var sizes: [Int: Int] = [:]
    for (position, size) in layout.sizes.enumerated() {
      guard let field = size.variant?.field else { continue }
      if let constant = size.variant?.constant { sizes[position] = constant }
      let path = field.split(separator: ".").map { String($0) }
      var fields: ConfigFields? = self
      for name in path.dropLast() {
        fields = try fields.flatMap { fields throws(ConfigError) in
          fields.value(name) == nil ? nil : try fields.member(name)
        }
      }
      if let number = try fields?.optionalInteger(path.last ?? "") { sizes[position] = number }
    }
    let layers = kinds.prefix(count).indices.filter { kinds[$0] == rule.value }
    return sizes.isEmpty
      ? ModelConfig.Variant() : ModelConfig.Variant(layers: Set(layers), sizes: sizes)
  }

  /// The layers whose numbers are in a list, counted from a first one.
  private func layers(
    _ layout: Layout, _ rule: LayerVariant, _ list: JSONValue, _ first: Int, _ count: Int
  ) throws(ConfigError) -> ModelConfig.Variant {
    let numbers = list.arrayValue?.map(\.wholeValue) ?? [nil]
    let layers = numbers.compactMap { number in
      number.flatMap { first..<first + count ~= $0 ? $0 - first : nil }
    }
    guard layers.count == numbers.count else {
      throw ConfigError(
        field: rule.listField, expected: "numbers of layers from \(first) to \(first + count - 1)",
        found: list.arrayValue == nil ? "\(list.kind)" : "others")
    }
    if layers.isEmpty { return ModelConfig.Variant() }
    var sizes: [Int: Int] = [:]
    for (position, size) in layout.sizes.enumerated() {
      guard let variant = size.variant else { continue }
      let stated = try optionalInteger(variant.field)
      sizes[position] = variant.constant ?? stated
    }
    return ModelConfig.Variant(layers: Set(layers), sizes: sizes)
  }

  /// The layers whose size in a list is another than the usual one.
  private func sizesByLayer(
    _ layout: Layout, _ list: JSONValue, _ count: Int
  ) throws(ConfigError) -> ModelConfig.Variant {
    guard let position = layout.sizes.firstIndex(where: { $0.variant != nil }),
      case .fields(let names, let aliases, _) = layout.sizes[position].source,
      let usual = try integer(names + aliases)
    else { return ModelConfig.Variant() }
    let numbers = (list.arrayValue ?? []).prefix(count).map { $0.wholeValue ?? 0 }
    let others = Set(numbers).subtracting([usual])
    guard list.arrayValue != nil, others.count <= 1, others.allSatisfy({ $0 > 0 }) else {
      throw ConfigError(
        field: layout.variant?.listField ?? "", expected: "a list of \(usual) and one other number",
        found: list.arrayValue == nil ? "\(list.kind)" : "\(Set(numbers).sorted())")
    }
    guard let other = others.first else { return ModelConfig.Variant() }
    return ModelConfig.Variant(
      layers: Set(numbers.indices.filter { numbers[$0] == other }), sizes: [position: other])
  }
}

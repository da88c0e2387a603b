// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import StrictJSON
import Tensors

@testable import CheckpointGenerators

/// The text of a `config.json`, field by field, so that a field can hold any text.
struct ConfigText: Sendable {
  /// The fields in order, each with the JSON text of its value.
  private(set) var fields: [(name: String, value: String)]

  /// The object of the file that the fields stand in, or nil where they stand on top.
  private let root: [String]

  /// The fields that decide which tensors there are, each size under its first name.
  init(_ config: ModelConfig) {
    let layout = config.layout
    root = layout.configRoot
    fields = layout.modelTypes.prefix(1).map { ("model_type", "\"\($0)\"") }
    for (rule, size) in zip(layout.sizes, config.sizes) where rule.hasField {
      fields.append((rule.field, "\(size)"))
    }
    fields.append((layout.layers.countField, "\(config.hiddenLayerCount)"))
    if let rule = layout.layers.prediction {
      fields.append((rule.field, "\(config.mtpLayerCount)"))
    }
    let written = Dictionary(config.fields, uniquingKeysWith: { first, _ in first })
    let kinds = layout.layers.patterns.first {
      if case .kinds(_, LayerRule.KindName.plain) = $0 { true } else { false }
    }
    if case .kinds(let field, _) = kinds {
      let texts = config.layerKinds.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
      fields.append((field, "[\(texts)]"))
    }
    let names =
      (kinds == nil ? layout.layers.patterns.flatMap(\.fields) : []) + layout.variantFields
    for name in names where self[name] == nil {
      let path = name.split(separator: ".").map(String.init)
      let value = path.dropFirst().reduce(written[path[0]]) { $0?[$1] }
      value.map { fields.append((name, $0.text(.compact))) }
    }
    fields += zip(layout.flags, config.flags).map { ($0.field, "\($1)") }
    if let dtype = Self.dtypes[config.dtype] { fields.append(("dtype", "\"\(dtype)\"")) }
  }

  /// The names of floating-point types in PyTorch.
  private static let dtypes: [DType: String] = [
    .bf16: "bfloat16", .f16: "float16", .f32: "float32", .f64: "float64",
    .f8E4M3: "float8_e4m3fn", .f8E5M2: "float8_e5m2",
  ]

  /// The UTF-8 bytes of the text.
  var bytes: [UInt8] {
    func text(_ fields: [(name: String, value: String)]) -> String {
      var objects: Set<String> = []
      return fields.compactMap { name, value -> String? in
        // Dots lead into objects.
        guard let dot = name.firstIndex(of: ".") else { return "\"\(name)\": \(value)" }
        let object = String(name[...dot])
        guard objects.insert(object).inserted else { return nil }
        let members = fields.filter { $0.name.hasPrefix(object) }.map {
          (name: String($0.name.dropFirst(object.count)), value: $0.value)
        }
        return "\"\(object.dropLast())\": {\(text(members))}"
      }.joined(separator: ", ")
    }
    guard !root.isEmpty else { return Array("{\(text(fields))}".utf8) }
    let top = fields.filter { $0.name == "model_type" }
    var inner = text(fields.filter { $0.name != "model_type" })
    for name in root.reversed() { inner = "\"\(name)\": {\(inner)}" }
    let parts = (top.isEmpty ? [] : [text(top)]) + [inner]
    return Array("{\(parts.joined(separator: ", "))}".utf8)
  }

  /// The text of a field's value, the first if it is there twice; setting nil removes the field.
  subscript(name: String) -> String? {
    get { fields.first { $0.name == name }?.value }
    set {
      let index = fields.firstIndex { $0.name == name }
      switch (index, newValue) {
      case (let index?, let value?): fields[index].value = value
      case (let index?, nil): fields.remove(at: index)
      case (nil, let value?): fields.append((name, value))
      case (nil, nil): break
      }
    }
  }

  /// Appends a field, even if there is one of that name.
  mutating func append(_ name: String, _ value: String) {
    fields.append((name, value))
  }
}

extension ModelConfig {
  /// The fields of the written config.
  fileprivate var fields: [(String, JSONValue)] {
    let json = self.json
    let object = layout.configRoot.reduce(json) { $0[$1] ?? $0 }
    return object.objectValue.map { Array($0.members) } ?? []
  }
}

extension LayerRule.Pattern {
  /// The fields that say which layers are sparse.
  var fields: [String] {
    if case .except(let field, let step) = self { return [field] + (step.map { [$0] } ?? []) }
    return field.map { [$0] } ?? []
  }
}

extension Layout {
  /// The fields that say which layers have sizes of their own, and the objects that those stand in.
  var variantFields: [String] {
    guard let variant else { return [] }
    guard variant.first == nil else { return [variant.listField] }
    let objects = sizes.compactMap {
      $0.variant?.field.split(separator: ".").first.map(String.init)
    }
    return [variant.listField] + Set(objects).sorted()
  }
}

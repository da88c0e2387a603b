// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import StrictJSON
public import Tensors

extension ModelConfig {
  /// The `config.json` that `init(json:layout:)` reads back as this config, with every fact stated and its
  /// fields sorted.
  ///
  /// A size has all its spellings. A type that PyTorch names and `init(json:layout:)` does not know, such as
  /// F8_E8M0, is written and not read back.
  public var json: JSONValue {
    var top: [(String, JSONValue)] = []
    if let architecture = layout.architecture {
      top.append(("architectures", .array([.string(architecture)])))
    }
    if let modelType = layout.modelTypes.first { top.append(("model_type", .string(modelType))) }
    var fields = layout.constants.map { ($0.field, $0.value) } + fields
    for name in layout.configRoot.reversed() { fields = [(name, Self.object(fields))] }
    return Self.object(top + fields)
  }

  private var fields: [(String, JSONValue)] {
    var result: [(String, JSONValue)] = [
      ("dtype", .string(Self.name(of: dtype))),
      (layout.layers.countField, JSONValue(hiddenLayerCount)),
    ]
    for (rule, value) in zip(layout.sizes, sizes) {
      guard case .fields(let names, _, _) = rule.source else { continue }
      result += names.map { ($0, JSONValue(value)) }
    }
    for (rule, value) in zip(layout.flags, flags) { result.append((rule.field, .bool(value))) }
    if let prediction = layout.layers.prediction {
      result.append((prediction.field, JSONValue(mtpLayerCount)))
    }
    result += variantFields
    return result + (layout.layers.patterns.lazy.compactMap { layerFields($0) }.first ?? [])
  }

  /// The fields of sizes that some layers have, if there are such layers.
  private var variantFields: [(String, JSONValue)] {
    guard let rule = layout.variant else { return [] }
    if let first = rule.first {
      func numbers(_ isConcerned: Bool) -> JSONValue {
        let layers = (0..<storedLayerCount).filter { variant.layers.contains($0) == isConcerned }
        return .array(layers.map { JSONValue(first + $0) })
      }
      return [(rule.listField, numbers(true))]
        + (rule.otherValue.isEmpty ? [] : [(rule.otherValue, numbers(false))])
    }
    guard !variant.layers.isEmpty else { return [] }
    if rule.isListOfSizes, let (position, size) = variant.sizes.first {
      let numbers = (0..<storedLayerCount).map {
        variant.layers.contains($0) ? size : sizes[position]
      }
      return [(rule.listField, .array(numbers.map { JSONValue($0) }))]
    }
    var result: [(String, JSONValue)] = [
      (
        rule.listField,
        .array(
          (0..<storedLayerCount).map {
            let kind = variant.layers.contains($0) ? rule.value : rule.otherValue
            return Int(kind).map { JSONValue($0) } ?? .string(kind)
          })
      )
    ]
    var nested = JSONObject()
    for (position, size) in variant.sizes.sorted(by: { $0.key < $1.key }) {
      guard let rule = layout.sizes[position].variant, rule.constant == nil else { continue }
      let path = rule.field.split(separator: ".")
      if path.count == 2 {
        var inner = nested[String(path[0])]?.objectValue ?? JSONObject()
        inner[String(path[1])] = JSONValue(size)
        nested[String(path[0])] = .object(inner)
      } else {
        nested[path.joined(separator: ".")] = JSONValue(size)
      }
    }
    result += nested.keys.compactMap { field in nested[field].map { (field, $0) } }
    return result
  }

  /// The fields that state the kinds of layers one way, or nil if that way cannot express them.
  private func layerFields(_ pattern: LayerRule.Pattern) -> [(String, JSONValue)]? {
    func numbers(_ kind: LayerKind) -> [Int] {
      layerKinds.indices.filter { layerKinds[$0] == kind }
    }
    switch pattern {
    case .all: return []
    case .from(let field, _):
      let dense = layerKinds.prefix { $0 == .dense }.count
      return layerKinds[dense...].contains(.dense) ? nil : [(field, JSONValue(dense))]
    case .kinds(let field, let names):
      let texts = layerKinds.indices.map { layer in
        let name =
          layerKinds[layer] == .dense && !denseKinds.isEmpty
          ? layout.layers.denseNames[denseKinds[layer] - 1] : layerKinds[layer].rawValue
        return names.first { $0.name == name }?.texts.first ?? name
      }
      let areLetters = names.allSatisfy { $0.texts.first?.count == 1 }
      return [(field, areLetters ? .string(texts.joined()) : .array(texts.map { .string($0) }))]
    case .except(let field, let step):
      return [(field, .array(numbers(.dense).map { JSONValue($0) }))]
        + (step.map { [($0, JSONValue(1))] } ?? [])
    case .only(let field):
      return [(field, .string(numbers(.sparse).map { "\($0)" }.joined(separator: ",")))]
    }
  }

  private static func object(_ fields: [(String, JSONValue)]) -> JSONValue {
    var object = JSONObject()
    let sorted = fields.sorted { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) }
    for (field, value) in sorted {
      guard let dot = field.firstIndex(of: ".") else {
        object[field] = value
        continue
      }
      var inner = object[String(field[..<dot])]?.objectValue ?? JSONObject()
      inner[String(field[field.index(after: dot)...])] = value
      object[String(field[..<dot])] = .object(inner)
    }
    return .object(object)
  }

  /// The element types that a config may name, by their names in PyTorch.
  static let dtypes: [(name: String, dtype: DType)] = [
    .bf16, .f16, .f32, .f64, .f8E4M3, .f8E5M2,
  ].map { (name(of: $0), $0) }

  /// The element type that a word means, however people write it: `bf16`, `BF16`, `bfloat16`, `torch.bfloat16`.
  public static func elementType(_ word: String) -> DType? {
    var plain = word.lowercased()
    if plain.hasPrefix("torch.") { plain.removeFirst("torch.".count) }
    let short: [(String, DType)] = [
      ("fp16", .f16), ("half", .f16), ("fp32", .f32), ("float", .f32), ("fp64", .f64),
      ("double", .f64), ("float8_e4m3", .f8E4M3), ("fp8_e4m3", .f8E4M3), ("fp8_e5m2", .f8E5M2),
    ]
    return DType.allCases.first { $0.rawValue.lowercased() == plain || name(of: $0) == plain }
      ?? short.first { $0.0 == plain }?.1
  }

  /// The name of an element type in PyTorch.
  public static func name(of dtype: DType) -> String {
    switch dtype {
    case .bf16: "bfloat16"
    case .f16: "float16"
    case .f32: "float32"
    case .f64: "float64"
    case .f8E4M3: "float8_e4m3fn"
    case .f8E5M2: "float8_e5m2"
    case .f8E8M0: "float8_e8m0fnu"
    case .bool: "bool"
    case .i8: "int8"
    case .i16: "int16"
    case .i32: "int32"
    case .i64: "int64"
    case .u8: "uint8"
    case .u16: "uint16"
    case .u32: "uint32"
    case .u64: "uint64"
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import StrictJSON
import Tensors

extension ModelConfig {
  /// Reads a `config.json`.
  ///
  /// Accepts all spellings of a field that the layout lists; where two of one fact are present, they must
  /// agree. A field that is `null` counts as absent.
  ///
  /// - Parameter layout: The layout, or nil for the one that knows the config's `model_type`.
  /// - Throws: `ConfigError` naming the field that is missing, contradictory or out of range.
  public init(json: JSONValue, layout: Layout? = nil) throws(ConfigError) {
    let root = try ConfigFields(json)
    let layout = try root.layout(layout)
    var fields = root
    for name in layout.configRoot { fields = try fields.member(name) }
    let layerCount = try fields.integer(layout.layers.countField)
    try ConfigLimits.layers.check(layerCount, field: layout.layers.countField)
    var sizes: [String: Int] = [:]
    for rule in layout.sizes {
      guard case .fields(let names, let aliases, let fallback) = rule.source else { continue }
      guard let value = try fields.integer(names + aliases) else {
        if fallback == nil { throw fields.missing(names + aliases) }
        continue
      }
      sizes[rule.symbol] = value
    }
    var flags: [String: Bool] = [:]
    for rule in layout.flags {
      flags[rule.name] = try fields.boolean(rule.field, default: rule.fallback)
    }
    var mtpLayerCount = 0
    if let rule = layout.layers.prediction {
      mtpLayerCount = try fields.optionalInteger(rule.field) ?? 0
      try ConfigLimits.mtpLayers.check(mtpLayerCount, field: rule.field)
    }
    var dtype = try fields.dtype()
    if dtype == nil { dtype = try root.dtype() }
    try self.init(
      layout, sizes: sizes, flags: flags,
      layerKinds: fields.layerKinds(layout.layers, count: layerCount),
      denseKinds: fields.denseKinds(layout.layers, count: layerCount),
      mtpLayerCount: mtpLayerCount,
      variant: fields.variant(layout, count: layerCount + mtpLayerCount), dtype: dtype ?? .bf16)
  }

  /// Reads the text of a `config.json`, in which Python may have written `NaN` and `Infinity`.
  ///
  /// - Throws: `ConfigError`; for malformed JSON with the line, column and byte of the fault.
  public init(jsonText bytes: RawSpan, layout: Layout? = nil) throws(ConfigError) {
    let json: JSONValue
    do {
      json = try JSONValue(parsing: bytes, acceptsNonFinite: true)
    } catch {
      throw ConfigError(field: "config.json", expected: "valid JSON", found: "\(error)")
    }
    try self.init(json: json, layout: layout)
  }
}

/// The fields of a config, read with checks.
struct ConfigFields {
  private let object: JSONObject

  init(_ json: JSONValue) throws(ConfigError) {
    guard case .object(let object) = json else {
      throw ConfigError(field: "config.json", expected: "an object", found: "\(json.kind)")
    }
    self.object = object
  }

  func value(_ field: String) -> JSONValue? {
    let path = field.split(separator: ".").map { String($0) }
    let found = path.dropFirst().reduce(object[path.first ?? ""]) { $0?.objectValue?[$1] }
    return found == .null ? nil : found
  }

  /// The fields of a member.
  func member(_ name: String) throws(ConfigError) -> ConfigFields {
    guard let value = value(name), case .object = value else {
      throw ConfigError(field: name, expected: "an object", found: Self.describe(value(name)))
    }
    return try ConfigFields(value)
  }

  /// A layout, or the known one of the config's model type; it must read that type.
  func layout(_ given: Layout?) throws(ConfigError) -> Layout {
    let name = value("model_type")?.stringValue
    let layout = given ?? name.flatMap { Layout.known(modelType: $0) }
    guard let layout, let name, layout.modelTypes.contains(name) else {
      let types = WordList(given?.modelTypes ?? Layout.knownModelTypes)
      throw ConfigError(
        field: "model_type", expected: types.expectation(for: name ?? ""),
        found: Self.describe(value("model_type")))
    }
    return layout
  }

  func optionalInteger(_ field: String) throws(ConfigError) -> Int? {
    guard let value = value(field) else { return nil }
    guard let integer = value.wholeValue else {
      throw ConfigError(field: field, expected: "a whole number", found: Self.describe(value))
    }
    return integer
  }

  /// The value that all fields of some names have which are there, or nil if none is.
  func integer(_ names: [String]) throws(ConfigError) -> Int? {
    var result: (field: String, value: Int)?
    for name in names {
      guard let value = try optionalInteger(name) else { continue }
      if let (field, other) = result, other != value {
        throw ConfigError(
          field: name, expected: "the value of '\(field)', \(other)", found: "\(value)")
      }
      result = result ?? (name, value)
    }
    return result?.value
  }

  func integer(_ field: String) throws(ConfigError) -> Int {
    guard let value = try optionalInteger(field) else { throw missing([field]) }
    return value
  }

  func missing(_ names: [String]) -> ConfigError {
    ConfigError(
      field: names[0], expected: "a whole number",
      found: "no such field" + names.dropFirst().map { ", nor '\($0)'" }.joined())
  }

  func boolean(_ field: String, default: Bool) throws(ConfigError) -> Bool {
    guard let value = value(field) else { return `default` }
    guard let boolean = value.boolValue else {
      throw ConfigError(field: field, expected: "true or false", found: Self.describe(value))
    }
    return boolean
  }

  /// The element type by any of its names.
  func dtype() throws(ConfigError) -> DType? {
    let first = try dtype("dtype")
    let second = try dtype("torch_dtype")
    if let first, let second, first != second {
      throw ConfigError(
        field: "torch_dtype", expected: "the value of 'dtype', \(first)", found: "\(second)")
    }
    return first ?? second
  }

  private func dtype(_ field: String) throws(ConfigError) -> DType? {
    guard let value = value(field) else { return nil }
    guard let name = value.stringValue,
      let dtype = ModelConfig.elementType(name),
      ModelConfig.dtypes.contains(where: { $0.dtype == dtype })
    else {
      throw ConfigError(
        field: field,
        expected: WordList(ModelConfig.dtypes.map(\.name).sorted()).expectation(
          for: value.stringValue ?? ""),
        found: Self.describe(value))
    }
    return dtype
  }
}

/// Which layers are sparse.
extension ConfigFields {
  func layerKinds(_ rule: LayerRule, count: Int) throws(ConfigError) -> [LayerKind] {
    var result: (field: String, kinds: [LayerKind])?
    // Of several ways to say it, one whose fields are all absent says nothing.
    let stated = rule.patterns.filter { rule.patterns.count == 1 || isStated($0) }
    for pattern in stated.isEmpty ? rule.patterns : stated {
      guard let (field, kinds) = try layerKinds(pattern, count: count) else { continue }
      if let (other, expected) = result,
        let layer = kinds.indices.first(where: { kinds[$0] != expected[$0] })
      {
        throw ConfigError(
          field: field, expected: "layer \(layer) \(expected[layer]) as '\(other)' says",
          found: "\(kinds[layer])")
      }
      result = result ?? (field, kinds)
    }
    guard let result else {
      let fields = rule.patterns.compactMap(\.field)
      throw ConfigError(
        field: fields.first ?? rule.countField,
        expected: rule.patterns.first?.expectation ?? "which layers are sparse",
        found: "no such field" + fields.dropFirst().map { ", nor '\($0)'" }.joined())
    }
    return result.kinds
  }

  private func isStated(_ pattern: LayerRule.Pattern) -> Bool {
    switch pattern {
    case .all: true
    case .from(let field, let fallback): value(field) != nil || fallback != nil
    case .kinds(let field, _), .only(let field): value(field) != nil
    case .except(let field, let step): value(field) != nil || step.flatMap { value($0) } != nil
    }
  }

  private func layerKinds(
    _ pattern: LayerRule.Pattern, count: Int
  ) throws(ConfigError) -> (String, [LayerKind])? {
    switch pattern {
    case .all: return ("", Array(repeating: .sparse, count: count))
    case .from(let field, let fallback):
      guard let dense = try optionalInteger(field) ?? fallback.map({ min($0, count) }) else {
        return nil
      }
      guard (0...count).contains(dense) else {
        throw ConfigError(
          field: field, expected: "0 to \(count), the number of layers", found: "\(dense)")
      }
      return (field, (0..<count).map { $0 < dense ? .dense : .sparse })
    case .kinds(let field, let names):
      let kinds = try kindNames(field, names, count: count)
      return kinds.map { (field, $0.map { $0 == LayerKind.sparse.rawValue ? .sparse : .dense }) }
    case .except(let field, let stepField):
      let dense = try layers(field, count: count) ?? []
      var step = 1
      if let stepField { step = try optionalInteger(stepField) ?? 1 }
      guard step > 0 else {
        throw ConfigError(
          field: stepField ?? field, expected: "a positive number", found: "\(step)")
      }
      return (
        field, (0..<count).map { dense.contains($0) || ($0 + 1) % step != 0 ? .dense : .sparse }
      )
    case .only(let field):
      guard let sparse = try layers(field, count: count) else { return nil }
      return (field, (0..<count).map { sparse.contains($0) ? .sparse : .dense })
    }
  }

  /// What a list, or the letters of a text, says of each layer; nil if the field is absent.
  private func kindNames(
    _ field: String, _ names: [LayerRule.KindName], count: Int
  ) throws(ConfigError) -> [String]? {
    guard let list = value(field) else { return nil }
    var texts: [String] = []
    for element in list.arrayValue ?? [] {
      texts.append(element.stringValue ?? element.wholeValue.map(String.init) ?? "")
    }
    if names != LayerRule.KindName.plain, let letters = list.stringValue {
      texts = letters.map { String($0) }
    }
    let kinds: [String?] = texts.map { text in names.first { $0.texts.contains(text) }?.name }
    let known = kinds.compactMap { $0 }
    guard kinds.count == count, known.count == count else {
      throw ConfigError(
        field: field, expected: "\(names.expectation), one for each of \(count) layers",
        found: kinds.count == count
          ? "something else at \(kinds.firstIndex { $0 == nil } ?? 0)"
          : list.arrayValue.map { "\($0.count) elements" } ?? Self.describe(list))
    }
    return known
  }

  /// Which of several kinds each layer without experts has; every way to say it must agree.
  func denseKinds(_ rule: LayerRule, count: Int) throws(ConfigError) -> [Int] {
    var result: (field: String, names: [String])?
    for case .kinds(let field, let names) in rule.patterns where !rule.denseNames.isEmpty {
      guard let kinds = try kindNames(field, names, count: count) else { continue }
      if let (other, expected) = result,
        let layer = kinds.indices.first(where: { kinds[$0] != expected[$0] })
      {
        throw ConfigError(
          field: field, expected: "layer \(layer) \(expected[layer]) as '\(other)' says",
          found: kinds[layer])
      }
      result = result ?? (field, kinds)
    }
    return result?.names.map { (rule.denseNames.firstIndex(of: $0) ?? -1) + 1 } ?? []
  }

  /// A list of layers, or a text with their numbers between commas.
  private func layers(_ field: String, count: Int) throws(ConfigError) -> Set<Int>? {
    guard let value = value(field) else { return nil }
    let numbers: [Int?]? =
      value.arrayValue?.map(\.wholeValue)
      ?? value.stringValue?.split(separator: ",").map { Int($0.filter { $0 != " " }) }
    let known = numbers?.compactMap { $0 } ?? []
    guard let numbers, known.count == numbers.count, known.allSatisfy({ 0..<count ~= $0 }) else {
      throw ConfigError(
        field: field, expected: "numbers of layers below \(count)", found: Self.describe(value))
    }
    return Set(known)
  }

  fileprivate static func describe(_ value: JSONValue?) -> String {
    switch value {
    case nil: "no such field"
    case .number(let number): "\(number)"
    case .string(let text): "\"\(text.prefix(60))\""
    case .bool(let value): "\(value)"
    case .some(let value): "\(value.kind)"
    }
  }
}

extension [LayerRule.KindName] {
  /// The texts and numbers of layers, in words.
  fileprivate var expectation: String {
    self == LayerRule.KindName.plain
      ? "a list of \"dense\" and \"sparse\", or of 0 and 1"
      : "the texts " + flatMap(\.texts).map { "\"\($0)\"" }.joined(separator: ", ")
  }
}

extension LayerRule.Pattern {
  /// What the field should hold, in words.
  fileprivate var expectation: String {
    switch self {
    case .all: "nothing"
    case .from: "a whole number"
    case .kinds(_, let names): names.expectation
    case .except, .only: "a list of layers"
    }
  }

  /// The field that says which layers are sparse.
  public var field: String? {
    switch self {
    case .all: nil
    case .from(let field, _), .kinds(let field, _), .except(let field, _), .only(let field): field
    }
  }
}

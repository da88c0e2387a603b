// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import StrictJSON
import Tensors
import Yams

/// What a table says, as it is read.
struct LayoutParts: Sendable {
  var name = ""
  var native = ""
  var natives = ["automodel"]
  var modelTypes: [String] = []
  var architecture: String?
  var upstream: String?
  var configRoot: [String] = []
  var sizes: [SizeRule] = []
  var flags: [FlagRule] = []
  var constants: [(field: String, value: JSONValue)] = []
  var layers = LayerRule(countField: "num_hidden_layers", patterns: [.all], prediction: nil)
  var prefixes = [""]
  var starts: [NameStart] = []
  var companions: [String] = []
  var lora: [LoRARule] = []
  var order: [OrderRule] = []
  var castsAll: [DType: DType]?
  var tensors: [TensorRule] = []
  var modules: [ModuleRename] = []
  var groups: [NativeGroup] = []
  var foreignGroups: [String] = []
  var layerStart = ""
  var text = ""
  var marks = LayoutMarks()
}

/// Where in the tables the parts of a layout stand.
struct LayoutMarks: Sendable {
  var fields: [String: TableMark] = [:]
  var sizes: [TableMark] = []
  var flags: [TableMark] = []
  var tensors: [TableMark] = []
  var modules: [TableMark] = []
  /// The groups that have low-rank factors by the table, in this native form or another.
  var lora: [(group: String, mark: TableMark)] = []
}

/// Reads tables.
struct LayoutReader {
  private static let fields: Set<String> = [
    "extends", "models", "architecture", "upstream", "config", "natives", "sizes", "flags",
    "constants", "layers", "prefix", "companions", "lora", "order", "cast all", "tensors",
  ]

  /// The fields of which a table that extends another replaces only the members that it names.
  private static let mergedFields: Set<String> = ["sizes", "flags"]

  private let table: String
  private let members: [(key: String, value: TableNode)]
  private var result = LayoutParts()
  private var symbols = LayoutSymbols()

  /// - Parameter base: Gives the text of another table by its name.
  init(
    _ text: String, table: String, native: String?, base: (String) throws(LayoutError) -> String?
  ) throws(LayoutError) {
    self.table = table
    members = try Self.members(TableNode.parse(text, table: table), depth: 0, base)
    result.name = table
    result.text = text
    for (key, value) in members where !Self.fields.contains(key) {
      throw LayoutError(
        table: value.table, line: value.node.mark?.line, field: key,
        expected: WordList(Self.fields.sorted()).expectation(for: key), found: "'\(key)'")
    }
    if let natives = self["natives"] { result.natives = try natives.texts() }
    guard let first = result.natives.first else {
      throw LayoutError(
        table: table, line: nil, field: "natives", expected: "a native form", found: "none")
    }
    result.native = native ?? first
    guard result.natives.contains(result.native) else {
      throw LayoutError(
        table: table, line: nil, field: "natives",
        expected: result.natives.joined(separator: " or "), found: "'\(result.native)'")
    }
  }

  /// The members of a table with those of the table that it extends.
  private static func members(
    _ root: TableNode, depth: Int, _ base: (String) throws(LayoutError) -> String?
  ) throws(LayoutError) -> [(key: String, value: TableNode)] {
    let own = try root.members()
    guard let extended = own.first(where: { $0.key == "extends" }) else { return own }
    let name = try extended.value.text()
    guard depth < 8, let text = try base(name) else {
      throw extended.value.error(
        expected: depth < 8 ? "the name of a known table" : "a table that does not extend itself")
    }
    let inherited = try members(TableNode.parse(text, table: name), depth: depth + 1, base)
    var replacing: [(key: String, value: TableNode)] = []
    for (key, value) in own where key != "extends" {
      let base = inherited.first { $0.key == key }?.value
      let isMerged = base != nil && mergedFields.contains(key)
      replacing.append((key, isMerged ? try value.extending(base ?? value) : value))
    }
    return inherited.replacing(with: replacing)
  }

  private subscript(_ key: String) -> TableNode? { members.first { $0.key == key }?.value }

  private func required(_ key: String) throws(LayoutError) -> TableNode {
    guard let node = self[key] else {
      throw LayoutError(
        table: table, line: nil, field: key, expected: "this field", found: "no such field")
    }
    return node
  }

  /// Reads the whole table.
  mutating func parts() throws(LayoutError) -> LayoutParts {
    for (key, value) in members { result.marks.fields[key] = value.mark }
    result.modelTypes = try required("models").texts()
    result.architecture = try self["architecture"]?.text()
    result.upstream = try self["upstream"]?.text()
    result.configRoot = try self["config"]?.text().split(separator: ".").map { String($0) } ?? []
    result.companions = try self["companions"]?.texts() ?? []
    let written = try readPrefix()
    try readOrder()
    if let node = self["cast all"] {
      result.castsAll = [:]
      for (asked, given) in try node.members() {
        guard let asked = DType(rawValue: asked) else {
          throw given.error(expected: "a type to be asked for", found: "'\(asked)'")
        }
        result.castsAll?[asked] = try given.value(of: DType.self)
      }
    }
    try readSizes()
    try readFlags()
    if let constants = self["constants"] {
      for (field, node) in try constants.members() {
        result.constants.append((field, try node.json()))
      }
    }
    if let layers = self["layers"] {
      result.layers = try LayerRule(layers)
      if !result.layers.denseNames.isEmpty {
        result.sizes.append(
          SizeRule(symbol: Layout.denseKindSymbol, source: .derived(.constant(0)), least: 0))
        result.marks.sizes.append(layers.mark)
      }
    }
    var reader = TensorReader(result, symbols)
    try reader.read(required("tensors"))
    result.tensors = reader.tensors
    result.modules = reader.modules
    result.marks.tensors = reader.tensorMarks
    result.marks.modules = reader.moduleMarks
    result.groups = reader.groups
    result.foreignGroups = reader.foreignGroups
    result.layerStart = reader.layerStart
    result.putOnDisk(written)
    try readLoRA()
    return result
  }

  private mutating func readPrefix() throws(LayoutError) -> [NameStart] {
    guard let node = self["prefix"] else { return [] }
    guard node.isMapping else {
      result.prefixes = try node.texts()
      return []
    }
    let (starts, written) = try NameStart.read(node)
    (result.starts, result.prefixes) = (starts, [starts[0].onDisk])
    return written
  }

  private mutating func readSizes() throws(LayoutError) {
    let rules = try required("sizes").members()
    for (position, (symbol, node)) in rules.enumerated() {
      guard symbol.first?.isUppercase == true, symbol.allSatisfy({ $0.isUppercase || $0.isNumber }),
        symbol != "L"
      else {
        throw node.error(
          expected: "uppercase letters other than L as a symbol", found: "'\(symbol)'")
      }
      symbols.sizes[symbol] = position
    }
    for (symbol, node) in rules {
      result.sizes.append(try size(symbol, node))
      result.marks.sizes.append(node.mark)
    }
    for symbol in ["E", "H", "I"] where symbols.sizes[symbol] == nil {
      throw LayoutError(
        table: table, line: nil, field: "sizes", expected: "a size \(symbol)", found: "none")
    }
  }

  private func size(_ symbol: String, _ node: TableNode) throws(LayoutError) -> SizeRule {
    var (names, aliases): ([String], [String]) = ([], [])
    var fallback: Expression?
    var least = 1
    var variant: LayerVariant?
    if node.isMapping {
      for (key, value) in try node.members() {
        switch key {
        case "field": names = try value.texts()
        case "alias": aliases = try value.texts()
        case "default": fallback = try value.expression(symbols)
        case "least": least = try value.integer()
        case "in layers": variant = try LayerVariant(value)
        default:
          throw value.error(
            expected: "field, alias, default, least or in layers", found: "'\(key)'")
        }
      }
      guard !names.isEmpty else { throw node.error(expected: "a field") }
    } else {
      names = try node.texts()
      if !node.isSequence, names == ["gated"] {
        return SizeRule(symbol: symbol, source: .gated, least: 0)
      }
      if !node.isSequence, !names.allSatisfy(Self.isField) {
        return SizeRule(symbol: symbol, source: .derived(try node.expression(symbols)), least: 0)
      }
    }
    return SizeRule(
      symbol: symbol, source: .fields(names, aliases: aliases, fallback: fallback), least: least,
      variant: variant)
  }

  /// Whether a text is the name of a field rather than an expression.
  private static func isField(_ text: String) -> Bool {
    text.contains { $0.isLowercase }
      && text.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "_" || $0 == "." }
  }

  private mutating func readFlags() throws(LayoutError) {
    guard let node = self["flags"] else { return }
    for (name, value) in try node.members() {
      var (field, fallback) = (name, false)
      if value.isMapping {
        for (key, value) in try value.members() {
          switch key {
          case "field": field = try value.text()
          case "default": fallback = try value.boolean()
          default: throw value.error(expected: "field or default", found: "'\(key)'")
          }
        }
      } else {
        fallback = try value.boolean()
      }
      symbols.flags[name] = result.flags.count
      result.flags.append(FlagRule(name: name, field: field, fallback: fallback))
      result.marks.flags.append(value.mark)
    }
  }

  private mutating func readOrder() throws(LayoutError) {
    guard let node = self["order"] else { return }
    for text in try node.texts() {
      guard text.hasSuffix(" last") else {
        throw node.error(
          expected: "moved last, renamed last, or a start of names on disk and last")
      }
      let start = String(text.dropLast(" last".count))
      result.order.append(
        start == "moved" ? .moved : start == "renamed" ? .renamed : .beginning(with: start))
    }
  }

  private mutating func readLoRA() throws(LayoutError) {
    guard let node = self["lora"] else { return }
    for (name, value) in try node.members() {
      result.marks.lora.append((name, value.mark))
      // Other native forms have other groups, and no factors.
      guard
        let group = result.groups.firstIndex(where: {
          $0.name.split(separator: ".").last ?? "" == name
        })
      else { continue }
      result.lora.append(LoRARule(group: group, native: try value.text()))
    }
  }
}

extension TableNode {
  /// An expression of the sizes.
  func expression(_ symbols: LayoutSymbols) throws(LayoutError) -> Expression {
    try expression(in: text(), symbols)
  }

  /// An expression of the sizes in a part of what stands here.
  ///
  /// - Parameter whole: What errors quote, if not the text.
  func expression(
    in text: String, _ symbols: LayoutSymbols, of whole: String? = nil
  ) throws(LayoutError) -> Expression {
    do throws(ExpressionParser.Fault) {
      return try ExpressionParser.expression(text, symbols)
    } catch {
      throw self.error(expected: error.expected, found: "\(error.found) in '\(whole ?? text)'")
    }
  }

  /// A condition on flags and sizes.
  func condition(_ symbols: LayoutSymbols) throws(LayoutError) -> Condition {
    let text = try text()
    do throws(ExpressionParser.Fault) {
      return try ExpressionParser.condition(text, symbols)
    } catch {
      throw self.error(expected: error.expected, found: "\(error.found) in '\(text)'")
    }
  }

  /// The same value in JSON.
  fileprivate func json() throws(LayoutError) -> JSONValue {
    if isMapping {
      var object = JSONObject()
      for (key, value) in try members() { object[key] = try value.json() }
      return .object(object)
    }
    if isSequence {
      var elements: [JSONValue] = []
      for element in self.elements() { elements.append(try element.json()) }
      return .array(elements)
    }
    let text = try text()
    guard node.scalar?.style == .plain else { return .string(text) }
    if let number = Int(text) { return JSONValue(number) }
    switch text {
    case "true": return true
    case "false": return false
    case "null", "~": return .null
    default: return Double(text).map { JSONValue($0) } ?? .string(text)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors
import Yams

/// Reads the tensors of a table: nested names, shapes, conditions and native places.
struct TensorReader {
  /// What the enclosing mappings say of a tensor.
  private struct Context {
    var name = ""
    var native: String?
    var role: TensorRole?
    var condition = Condition.always
    var kinds: LayerKinds?
  }

  /// A native place as it stands in the table, until all tensors of its group are known.
  struct Place {
    let name: String
    let terms: [IndexTerm]
    let isCast: Bool
    let node: TableNode
  }

  private let native: String
  private let natives: [String]
  let symbols: LayoutSymbols
  var tensors: [TensorRule] = []
  private(set) var tensorMarks: [TableMark] = []
  private(set) var modules: [ModuleRename] = []
  private(set) var moduleMarks: [TableMark] = []
  var groups: [NativeGroup] = []
  private(set) var foreignGroups: [String] = []
  private(set) var layerStart = ""
  private var hasLayers = false
  /// The kind of decoder layers that prediction layers are like.
  private let predictionLike: LayerKinds
  /// The names of several kinds of layers without experts, and the position of the size that tells them apart.
  private let denseNames: [String]
  private let denseKindPosition: Int
  var places: [(tensor: Int, place: Place)] = []

  init(_ parts: LayoutParts, _ symbols: LayoutSymbols) {
    native = parts.native
    natives = parts.natives
    predictionLike = parts.layers.prediction?.kind == .dense ? .dense : .sparse
    denseNames = parts.layers.denseNames
    denseKindPosition = parts.sizes.count - 1
    self.symbols = symbols
  }

  /// Reads all tensors and joins those of one native name to groups.
  mutating func read(_ node: TableNode) throws(LayoutError) {
    try readMembers(node, Context())
    guard hasLayers else {
      throw node.error(expected: "a mapping whose key ends in {L}", found: "none")
    }
    for (tensor, mark) in zip(tensors, tensorMarks) {
      guard tensor.kinds == nil, case .renamed(let name) = tensor.native else { continue }
      throw LayoutError(
        table: mark.table, line: mark.line, field: mark.field,
        expected:
          "native names of tensors in layers only; prefix: exchanges what others begin with",
        found: "'\(name.start)'")
    }
    try makeGroups()
    var names: Set<String> = []
    // One that is as on disk may be there twice, for layers of two kinds; the audit sees to it.
    for tensor in tensors where tensor.native != .kept || tensor.condition == .always {
      let key = "\(tensor.kinds?.rawValue ?? 0) \(tensor.name.start) \(tensor.name.end ?? "-")"
      guard names.insert(key).inserted else {
        throw node.error(
          expected: "each tensor once", found: "'\(tensor.name.name(expert: 0))' twice")
      }
    }
  }

  private static let kinds: [String: LayerKinds] = [
    "dense": .dense, "sparse": .sparse, "mtp": .mtp,
  ]
  private var reserved: Set<String> { Set(natives + ["role", "if", "unless"]) }

  private mutating func readMembers(_ node: TableNode, _ context: Context) throws(LayoutError) {
    var context = context
    var entries: [(key: String, value: TableNode)] = []
    for (key, value) in try node.members() {
      guard reserved.contains(key) else {
        entries.append((key, value))
        continue
      }
      try Self.read(key, value, &context, native: native, symbols)
      if key == native {
        modules.append(
          ModuleRename(
            onDisk: context.name, native: "\(context.native ?? "").", kinds: context.kinds))
        moduleMarks.append(value.mark)
      }
    }
    for (key, value) in entries { try readEntry(key, value, context) }
  }

  /// Takes an attribute that tensors below inherit.
  private static func read(
    _ key: String, _ node: TableNode, _ context: inout Context, native: String,
    _ symbols: LayoutSymbols
  ) throws(LayoutError) {
    switch key {
    case "role": context.role = try node.role()
    case "if": context.condition = context.condition.and(try node.condition(symbols))
    case "unless": context.condition = context.condition.and(.not(try node.condition(symbols)))
    case native: context.native = try node.text()
    default: break
    }
  }

  private mutating func readEntry(
    _ key: String, _ value: TableNode, _ context: Context
  ) throws(LayoutError) {
    let number = denseNames.firstIndex(of: key)
    if context.kinds != nil, context.name.isEmpty,
      let kind = number == nil ? Self.kinds[key] : .dense
    {
      var inner = context
      if let number {
        inner.condition = inner.condition.and(
          .comparison(.equal, .size(denseKindPosition), .constant(number + 1)))
      }
      inner.kinds = kind == predictionLike ? [kind, .mtp] : kind
      return try readMembers(value, inner)
    }
    if key.hasSuffix("{L}") {
      guard !hasLayers else {
        throw value.error(expected: "one mapping of layers", found: "another")
      }
      hasLayers = true
      layerStart = context.name + key.dropLast(3)
      var inner = context
      inner.name = ""
      inner.kinds = .all
      return try readMembers(value, inner)
    }
    let names = try value.expanding(key)
    let members = value.isSequence ? [] : try value.members()
    let isTensor = value.isSequence || members.contains { $0.key == "shape" }
    for (position, name) in names.enumerated() {
      var inner = context
      if isTensor {
        inner.name += name
        inner.native = context.native.map { "\($0).\(name)" }
        try readTensor(value, inner, position, of: names.count)
      } else {
        inner.name += name + "."
        inner.native = context.native.map { "\($0).\(name)" }
        try readMembers(value, inner)
      }
    }
  }

  private mutating func readTensor(
    _ node: TableNode, _ context: Context, _ position: Int, of count: Int
  ) throws(LayoutError) {
    var context = context
    // A tensor's own native name takes the place of that within its module.
    let inherited = context.native
    context.native = nil
    var axes: [TensorRule.Axis] = []
    var dtype: DType?
    var part: ExpertPart?
    var word: String?
    var (isCast, loadedType): (Bool, DType?) = (true, nil)
    var nativeExtents: [Expression]?
    var pieces: [NativePiece] = []
    var isCropped = false
    if node.isSequence {
      axes = try shape(node)
    } else {
      for (key, value) in try node.members() {
        switch key {
        case "shape": axes = try shape(value)
        case "type": dtype = try value.value(of: DType.self)
        case "part": part = try value.value(of: ExpertPart.self)
        case "word": word = try value.text()
        case "cast":
          loadedType = DType(rawValue: try value.text())
          if loadedType == nil { isCast = try value.boolean() }
        case "native shape":
          nativeExtents = []
          for extent in value.elements() {
            nativeExtents?.append(try extent.expression(symbols))
          }
        case "crop": (nativeExtents, isCropped) = ([try value.expression(symbols)], true)
        case let key where natives.contains(key) && key != native:
          let text = try value.text()
          if let bracket = text.firstIndex(of: "[") {
            let group = String(text[..<bracket])
            if !foreignGroups.contains(group) { foreignGroups.append(group) }
          }
        case native where value.isMapping:
          pieces = try self.pieces(value)
          context.native = pieces.first?.name
        case let key where reserved.contains(key):
          try Self.read(key, value, &context, native: native, symbols)
        default:
          throw value.error(
            expected:
              "shape, native shape, crop, type, role, part, word, if, unless, cast or a native form",
            found: "'\(key)'")
        }
      }
    }
    let name = NamePattern(context.name)
    let isOfExperts = name.hasExpert || part != nil
    guard part != nil || !name.hasExpert else {
      throw node.error(expected: "a part: gate, up, down, or gate and up", found: "none")
    }
    var rule = TensorRule(
      kinds: context.kinds, isAfterLayers: hasLayers, name: name, axes: axes, dtype: dtype,
      condition: context.condition, role: isOfExperts ? .expert : context.role ?? .other,
      part: part, word: word ?? "", native: inherited.map { .renamed(NamePattern($0)) } ?? .kept)
    if word == nil { rule.word = rule.defaultWord }
    if let own = context.native {
      let expanded = try node.expanding(own)
      guard expanded.count == count || expanded.count == 1 else {
        throw node.error(expected: "as many native names as names", found: "\(expanded.count)")
      }
      let text = expanded[expanded.count == 1 ? 0 : position]
      if let place = try place(text, axes, name, isCast: isCast, node) {
        places.append((tensors.count, place))
      } else {
        rule.native = .renamed(NamePattern(text))
      }
    }
    if isCropped { nativeExtents? += axes.dropFirst().map(\.extent) }
    (rule.nativeExtents, rule.isCropped) = (nativeExtents, isCropped)
    (rule.loadedType, rule.pieces) = (loadedType, pieces)
    guard pieces.isEmpty || rule.kinds != nil && !isOfExperts && !rule.changesForm && count == 1
    else {
      throw node.error(
        expected: "pieces of one tensor in layers, of its shape and type and not of experts",
        found: "another tensor's")
    }
    let hasFormula = places.last?.tensor == tensors.count
    guard rule.isPlainlyRenamed || nativeExtents == nil, !hasFormula || loadedType == nil,
      rule.kinds != nil || loadedType == nil
    else {
      throw node.error(
        expected: "a native shape beside a native name, and a type to cast to without indices, "
          + "both in layers", found: "another tensor's")
    }
    tensors.append(rule)
    tensorMarks.append(node.mark)
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import PropertyEngine

/// A value as a tree of texts.
struct ValueTree: Sendable {
  var open: String
  var close = ""
  var parts: [(label: String, tree: ValueTree)] = []

  private static let maximumParts = 200
  private static let maximumDepth = 12

  /// Any value, by reflection: collections and structures part by part, floats with their sign and
  /// NaN bits, unordered collections in the order of their texts.
  init(_ value: Any, depth: Int = 0) {
    let mirror = Mirror(reflecting: value)
    switch mirror.displayStyle {
    case _ where depth > ValueTree.maximumDepth: self.init(leaf: "…")
    case .optional:
      if let child = mirror.children.first {
        self.init(child.value, depth: depth)
      } else {
        self.init(leaf: "nil")
      }
    case .collection:
      self.init("[", "]", mirror.children.map { ("", $0.value) }, depth)
    case .set:
      self.init("[", "]", mirror.children.map { ("", $0.value) }, depth, sorted: true)
    case .dictionary:
      let pairs = mirror.children.compactMap { child -> (String, Any)? in
        let pair = Array(Mirror(reflecting: child.value).children)
        return pair.count == 2 ? (ValueTree(pair[0].value).line, pair[1].value) : nil
      }
      self.init(pairs.isEmpty ? "[:" : "[", "]", pairs, depth, sorted: true)
    case .tuple:
      self.init("(", ")", mirror.children.map { (ValueTree.name($0.label), $0.value) }, depth)
    case .struct where !(value is any CustomStringConvertible),
      .class where !(value is any CustomStringConvertible):
      let fields = mirror.children.map { (ValueTree.name($0.label), $0.value) }
      self.init("\(mirror.subjectType)(", ")", fields, depth)
    case .enum where !(value is any CustomStringConvertible):
      guard let payload = mirror.children.first, let name = payload.label else {
        self.init(leaf: ".\(value)")
        return
      }
      let inner = Mirror(reflecting: payload.value)
      let fields =
        inner.displayStyle == .tuple
        ? inner.children.map { (ValueTree.name($0.label), $0.value) } : [("", payload.value)]
      self.init(".\(name)(", ")", fields, depth)
    default: self.init(leaf: ValueTree.text(value))
    }
  }

  private init(leaf: String) { open = leaf }

  private init(
    _ open: String, _ close: String, _ children: [(String, Any)], _ depth: Int,
    sorted: Bool = false
  ) {
    self.open = open
    self.close = close
    parts = children.prefix(sorted ? .max : ValueTree.maximumParts).map {
      ($0.0, ValueTree($0.1, depth: depth + 1))
    }
    if sorted {
      parts.sort { isBefore($0.label + $0.tree.line, $1.label + $1.tree.line) }
      parts = Array(parts.prefix(ValueTree.maximumParts))
    }
    let left = children.count - parts.count
    if left > 0 { parts.append(("", ValueTree(leaf: "… \(left) more"))) }
  }

  /// Labels that the compiler made up say nothing.
  private static func name(_ label: String?) -> String {
    guard let label, !label.hasPrefix(".") else { return "" }
    return label
  }

  private static func text(_ value: Any) -> String {
    switch value {
    case let text as String: String(reflecting: String(text.prefix(1000)))
    case let text as Substring: String(reflecting: String(text.prefix(1000)))
    case let character as Character: String(reflecting: character)
    case let number as Double where number.isNaN:
      "nan(0x\(String(number.bitPattern, radix: 16)))"
    case let number as Float where number.isNaN:
      "nan(0x\(String(number.bitPattern, radix: 16)))"
    default: String(String(describing: value).prefix(1000))
    }
  }

  /// On one line.
  var line: String {
    open
      + parts.map { ($0.label.isEmpty ? "" : "\($0.label): ") + $0.tree.line }
      .joined(separator: ", ") + close
  }

  /// On one line if it is short, else one part on a line.
  func lines(indent: String = "", limit: Int = 80) -> [String] {
    let whole = line
    if parts.isEmpty || whole.count + indent.count <= limit { return [whole] }
    var lines = [open]
    for part in parts {
      let label = part.label.isEmpty ? "" : "\(part.label): "
      let text = part.tree.lines(indent: indent + "  ", limit: limit)
      lines += text.enumerated().map { "  " + ($0.offset == 0 ? label : "") + $0.element }
    }
    return lines + [close]
  }
}

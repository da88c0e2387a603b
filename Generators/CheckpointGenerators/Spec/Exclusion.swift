// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Layouts
public import Tensors

/// A pattern for keys to leave out when saving, with what it means stated once more.
///
/// Laws check exclusion by the meaning, so that no regular expression engine checks itself. Both follow
/// from the names of a layout; what a layout has no names for is a pattern that no key matches.
public enum Exclusion: Sendable, Hashable {
  /// No pattern.
  case none
  /// The output head, a key outside all layers.
  case head
  /// All keys of one decoder layer under the usual prefix.
  case layer(Int)
  /// All weights of experts.
  case experts
  /// The weights of one expert in every layer.
  case expert(Int)
  /// One projection of every expert.
  case projection(ExpertPart)
  /// The router's correction bias by its name on disk.
  case expertBias
  /// A native name that no key of the layout has on disk: the router's correction bias, or else grouped
  /// experts.
  case nativeExpertBias
  /// A text that stands inside keys and at the start of none.
  case unanchored
  /// A pattern that every key matches.
  case everything

  /// The pattern as Python's `re.match` reads it.
  public func pattern(in layout: Layout) -> String {
    switch self {
    case .none: ""
    case .head: "\(Self.escaped(layout.headStart))"
    case .layer(let layer):
      Self.escaped(layout.start(ofLayer: layer, under: layout.prefixes[0]))
    case .experts: Self.inside(layout.expertStarts)
    case .expert(let expert): Self.inside(layout.expertStarts.map { "\($0)\(expert)." })
    case .projection(let part):
      layout.projection(part).map { name in
        let start = name.hasExpert ? Self.escaped(name.start) + #"\d+"# : Self.escaped(name.start)
        return #".*\."# + start + Self.escaped(name.end ?? "") + "$"
      } ?? Self.nothing
    case .expertBias:
      layout.routerBiasEnd.map { #".*\."# + Self.escaped($0) + "$" } ?? Self.nothing
    case .nativeExpertBias: ".*" + Self.escaped(layout.nativeOnlyEnd) + "$"
    case .unanchored: Self.escaped(layout.textInside)
    case .everything: ".*"
    }
  }

  /// The meaning for keys on disk of a layout: whether one is left out.
  ///
  /// What follows from the layout is worked out once, for however many keys.
  public func excludes(in layout: Layout) -> (TensorName) -> Bool {
    func containing(_ texts: [String]) -> (TensorName) -> Bool {
      { name in texts.contains { name.text.contains($0) } }
    }
    func starting(_ start: String) -> (TensorName) -> Bool { { $0.text.hasPrefix(start) } }
    func ending(_ end: String) -> (TensorName) -> Bool { { $0.text.hasSuffix(end) } }
    switch self {
    case .none, .unanchored: return { _ in false }
    // Only keys that no rule of the layout knows end in it.
    case .nativeExpertBias: return ending(layout.nativeOnlyEnd)
    case .head: return starting(layout.headStart)
    case .layer(let layer):
      return starting(layout.start(ofLayer: layer, under: layout.prefixes[0]))
    case .experts: return containing(layout.expertStarts.map { ".\($0)" })
    case .expert(let number): return containing(layout.expertStarts.map { ".\($0)\(number)." })
    case .projection(let part):
      guard let name = layout.projection(part) else { return { _ in false } }
      let inside = ".\(name.start)"
      return { key in
        guard let start = key.text.firstRange(of: inside) else { return false }
        guard let end = name.end else { return start.upperBound == key.text.endIndex }
        let rest = key.text[start.upperBound...]
        let number = rest.prefix { $0 != "." }
        return !number.isEmpty && rest.dropFirst(number.count) == end
      }
    case .expertBias: return layout.routerBiasEnd.map { ending(".\($0)") } ?? { _ in false }
    case .everything: return { _ in true }
    }
  }

  /// What no key matches.
  private static let nothing = "(?!)"

  /// Keys that have one of some texts after a dot.
  private static func inside(_ texts: [String]) -> String {
    let escaped = texts.map(escaped)
    return #".*\."# + (escaped.count == 1 ? escaped[0] : "(?:\(escaped.joined(separator: "|")))")
  }

  private static func escaped(_ text: String) -> String {
    text.replacing(".", with: #"\."#)
  }
}

/// The names that patterns are made of.
extension Layout {
  /// What the keys of the output head start with.
  fileprivate var headStart: String {
    let head = tensors.first { $0.role == .head && $0.kinds == nil }
    return head.map { $0.name.start.module } ?? textInside
  }

  /// What the keys of experts have after the layer and no other key has; one text for all of them if
  /// there is one.
  fileprivate var expertStarts: [String] {
    let names = tensors.filter(\.isOfExperts).map(\.name.start)
    let others = tensors.filter { !$0.isOfExperts && $0.kinds != nil }.map(\.name.start)
    let modules = Set(names.map(\.module))
    if modules.count == 1, let module = modules.first, !module.isEmpty,
      !others.contains(where: { $0.hasPrefix(module) })
    {
      return [module]
    }
    return names
  }

  /// The name of the weights that are a part of every expert.
  fileprivate func projection(_ part: ExpertPart) -> NamePattern? {
    tensors.first { $0.part == part }?.name
  }

  /// The last component of the router's correction bias on disk.
  fileprivate var routerBiasEnd: String? {
    tensors.first { $0.role == .routerBias }?.name.start.lastComponent
  }

  /// The last component of a native name, which no name on disk has.
  fileprivate var nativeOnlyEnd: String {
    let onDisk = tensors.map { ($0.name.end ?? $0.name.start) }
    let rules = tensors.filter { $0.role == .routerBias || $0.isOfExperts }
    let natives = rules.compactMap { rule -> String? in
      switch rule.native {
      case .kept: nil
      case .renamed(let name): (name.end ?? name.start).lastComponent
      case .part(let group, _): groups[group].name.lastComponent
      }
    }
    return natives.first { native in !onDisk.contains { $0.contains(native) } } ?? natives.first
      ?? name
  }

  /// The first component that the keys of experts have after the layer.
  fileprivate var textInside: String {
    let name = tensors.first(where: \.isOfExperts)?.name.start ?? layerStart
    return String(name.prefix { $0 != "." })
  }

  /// The parts that the experts' weights on disk are, in the order of the table.
  var expertParts: [ExpertPart] {
    tensors.reduce(into: []) { parts, rule in
      if let part = rule.part, !parts.contains(part) { parts.append(part) }
    }
  }
}

extension String {
  /// The text without its last component, with a dot at the end.
  fileprivate var module: String { lastIndex(of: ".").map { String(self[...$0]) } ?? "" }

  /// The text after its last dot.
  fileprivate var lastComponent: String {
    lastIndex(of: ".").map { String(self[index(after: $0)...]) } ?? self
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Synchronization
import Tensors

/// What a key says of its layer.
struct Meaning: Sendable {
  enum What: Sendable, Hashable {
    /// A part of a group on disk.
    case part(group: Int, rule: Int)
    /// What stands beside the tensor of one expert on disk.
    case companion
    /// A low-rank factor of one expert on disk.
    case factor(lora: Int, rule: Int, isA: Bool)
    /// A factor of all experts on disk, as PEFT's ParamWrapper writes it.
    case fused(lora: Int, isA: Bool)
    /// A native group.
    case group(Int)
    /// A native factor of all experts.
    case groupFactor(lora: Int, isA: Bool)
    /// A tensor on disk that is cut into native ones.
    case cut(rule: Int)
    /// A native piece of a tensor on disk, by its position among the pieces.
    case piece(rule: Int, Int)
    /// The same tensor under another name on the other side, relative to the layer; of a rule of the table or
    /// in a module that is renamed.
    case renamed(String, rule: Int? = nil)
  }

  /// The kinds of layers that have the name.
  let kinds: LayerKinds
  let what: What
}

/// The names that the oracle knows of one layout, by what follows the number of a layer.
final class OracleNames: Sendable {
  /// What names of layers have before the number, without the prefix.
  let block: String
  private let onDisk: [Substring: [Meaning]]
  /// Names in which an expert's number stands, by what is before and after it.
  private let numbered: [(start: String, ends: [Substring: [Meaning]])]
  private let native: [Substring: [Meaning]]
  private let modules: [ModuleRename]
  /// Pairs of what names begin with on disk and natively, longer ones first.
  private let (startsOnDisk, nativeStarts): ([NameStart], [NameStart])

  /// The names of a layout, made once.
  static func of(_ layout: Layout) -> OracleNames {
    known.withLock { known in
      if let names = known[layout] { return names }
      let names = OracleNames(layout)
      known[layout] = names
      return names
    }
  }

  private static let known = Mutex<[Layout: OracleNames]>([:])

  private init(_ layout: Layout) {
    var onDisk: [Substring: [Meaning]] = [:]
    var numbered: [(start: String, ends: [Substring: [Meaning]])] = []
    var native: [Substring: [Meaning]] = [:]
    func add(_ name: NamePattern, _ meaning: Meaning) {
      guard let end = name.end else {
        return onDisk[name.start[...], default: []].append(meaning)
      }
      let known = numbered.firstIndex { $0.start == name.start }
      if known == nil { numbered.append((name.start, [:])) }
      numbered[known ?? numbered.count - 1].ends[end[...], default: []].append(meaning)
    }
    for (position, rule) in layout.tensors.enumerated() {
      guard let kinds = rule.kinds else { continue }
      switch rule.native {
      case .kept where rule.loadedType != nil:
        let meaning = Meaning(kinds: kinds, what: .renamed(rule.name.start, rule: position))
        add(rule.name, meaning)
        native[rule.name.start[...], default: []].append(meaning)
      case .kept: break
      case .renamed where !rule.pieces.isEmpty:
        add(rule.name, Meaning(kinds: kinds, what: .cut(rule: position)))
        for (number, piece) in rule.pieces.enumerated() {
          native[piece.name[...], default: []].append(
            Meaning(kinds: kinds, what: .piece(rule: position, number)))
        }
      case .renamed(let name):
        add(rule.name, Meaning(kinds: kinds, what: .renamed(name.start, rule: position)))
        native[name.start[...], default: []].append(
          Meaning(kinds: kinds, what: .renamed(rule.name.start, rule: position)))
      case .part(let group, _):
        add(rule.name, Meaning(kinds: kinds, what: .part(group: group, rule: position)))
      }
      for suffix in layout.companions where rule.name.hasExpert {
        add(rule.name.ending(suffix), Meaning(kinds: kinds, what: .companion))
      }
    }
    for (position, group) in layout.groups.enumerated() {
      native[group.name[...], default: []].append(
        Meaning(kinds: group.kinds ?? .all, what: .group(position)))
    }
    for (lora, entry) in layout.lora.enumerated() {
      let group = layout.groups[entry.group]
      let (module, kinds) = (group.name.upToLastDot, group.kinds ?? .all)
      let wrapper = String(repeating: "base_layer.", count: layout.lora.count - 1 - lora)
      for (letter, isA) in [("A", true), ("B", false)] {
        let fused = "\(module)\(wrapper)lora_\(letter).weight"
        add(
          NamePattern(start: fused, end: nil),
          Meaning(kinds: kinds, what: .fused(lora: lora, isA: isA)))
        native[layout.factorName(lora, isA: isA)[...], default: []].append(
          Meaning(kinds: kinds, what: .groupFactor(lora: lora, isA: isA)))
        for rule in group.parts {
          add(
            layout.tensors[rule].name.ending("lora_\(letter).weight"),
            Meaning(kinds: kinds, what: .factor(lora: lora, rule: rule, isA: isA)))
        }
      }
    }
    block = layout.block
    (self.onDisk, self.numbered, self.native) = (onDisk, numbered, native)
    modules = layout.modules
    startsOnDisk = layout.starts.sorted { $0.onDisk.utf8.count > $1.onDisk.utf8.count }
    nativeStarts = layout.starts.sorted { $0.native.utf8.count > $1.native.utf8.count }
  }

  /// What a name on disk is natively by its start.
  func native(_ name: TensorName) -> TensorName {
    let own = startsOnDisk.first { name.text.utf8.starts(with: $0.onDisk.utf8) }
    guard let own else { return name }
    return TensorName("\(own.native)\(Substring(name.text.utf8.dropFirst(own.onDisk.utf8.count)))")
  }

  /// What a native name is on disk by its start.
  func onDisk(_ name: TensorName) -> TensorName {
    let own = nativeStarts.first { name.text.utf8.starts(with: $0.native.utf8) }
    guard let own else { return name }
    return TensorName("\(own.onDisk)\(Substring(name.text.utf8.dropFirst(own.native.utf8.count)))")
  }

  /// What a key on disk says and of which expert, or nil of one that stays as it is.
  func meaning(onDisk tail: Substring, _ kinds: LayerKinds) -> (what: Meaning.What, expert: Int?)? {
    if let meanings = onDisk[tail] { return (Self.first(meanings, kinds), nil) }
    for (start, ends) in numbered where tail.utf8.starts(with: start.utf8) {
      let rest = Substring(tail.utf8.dropFirst(start.utf8.count))
      guard let (expert, end) = rest.leadingNumber else { continue }
      if let meanings = ends[end] { return (Self.first(meanings, kinds), expert) }
    }
    for module in modules where tail.hasPrefix(module.onDisk) {
      return (.renamed(module.native + tail.dropFirst(module.onDisk.count)), nil)
    }
    return nil
  }

  /// What a native key says, or nil of one that stays as it is.
  func meaning(native tail: Substring, _ kinds: LayerKinds) -> Meaning.What? {
    if let meanings = native[tail] { return Self.first(meanings, kinds) }
    for module in modules where tail.hasPrefix(module.native) {
      return .renamed(module.onDisk + tail.dropFirst(module.native.count))
    }
    return nil
  }

  /// The meaning in a kind of layers, or in others where it has none.
  private static func first(_ meanings: [Meaning], _ kinds: LayerKinds) -> Meaning.What {
    (meanings.first { $0.kinds.contains(kinds) } ?? meanings[0]).what
  }
}

extension Layout {
  /// The native name of the low-rank factors of a group, after the layer.
  func factorName(_ lora: Int, isA: Bool) -> String {
    groups[self.lora[lora].group].name.upToLastDot + self.lora[lora].native + (isA ? "_A" : "_B")
  }
}

extension NamePattern {
  /// The name with something else in the place of its last component.
  func ending(_ suffix: String) -> NamePattern {
    guard let end else { return NamePattern(start: start.upToLastDot + suffix, end: nil) }
    return NamePattern(start: start, end: end.upToLastDot + suffix)
  }
}

extension String {
  /// The text up to its last dot.
  var upToLastDot: String { lastIndex(of: ".").map { String(self[...$0]) } ?? "" }
}

extension Substring {
  /// The decimal number that the text begins with, and what follows it.
  var leadingNumber: (number: Int, rest: Substring)? {
    let digits = utf8.prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    // Leading zeros are no part of a number.
    guard let first = digits.first, digits.count == 1 || first != UInt8(ascii: "0"),
      let number = Int(Substring(digits))
    else { return nil }
    return (number, self[digits.endIndex...])
  }
}

/// A key of a layer, read by the oracle.
struct OracleKey {
  /// What comes before the layers.
  let prefix: Substring
  let layer: Int
  /// All up to what belongs to the layer, with the dot after its number.
  let base: Substring
  /// What belongs to the layer.
  let tail: Substring

  /// The parts of a key, or nil if it belongs to no layer.
  ///
  /// - Parameter block: What names of layers have before the number, without the prefix.
  init?(_ name: TensorName, _ block: String) {
    let text = name.text
    var start = text.startIndex
    while !text.utf8[start...].starts(with: block.utf8) {
      guard let dot = text.utf8[start...].firstIndex(of: UInt8(ascii: ".")) else { return nil }
      start = text.utf8.index(after: dot)
    }
    let number = text.utf8.index(start, offsetBy: block.utf8.count)
    guard let (layer, rest) = text[number...].leadingNumber, rest.utf8.first == UInt8(ascii: ".")
    else { return nil }
    self.layer = layer
    prefix = text[..<start]
    tail = Substring(rest.utf8.dropFirst())
    base = text[..<tail.startIndex]
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// A key read generously: for what outside adapters return and for whoever edits keys on purpose.
///
/// Numbers may have leading zeros, a sign or digits of any script, and text may follow a name that the layout
/// knows; `isExact` says whether the key is spelled as the layout spells it. The reference adapter and the
/// oracle read keys by themselves.
public struct LenientKey: Sendable {
  /// What a key is about.
  public enum Subject: Sendable, Hashable {
    /// A tensor on disk, by its position in the layout; of the expert that the name has.
    case tensor(Int)
    /// A native tensor of the layout that has another name than on disk, by the position of that tensor.
    case renamed(Int)
    /// A native group, by its position.
    case group(Int)
    /// A companion of a tensor on disk, such as a scale.
    case companion(of: Int, suffix: String)
    /// A low-rank factor on disk of one expert's tensor.
    case factor(of: Int, isA: Bool)
    /// A native low-rank factor of a group.
    case groupFactor(lora: Int, isA: Bool)
    /// A fused factor on disk of a group, as PEFT's ParamWrapper writes it.
    case fusedFactor(lora: Int, isA: Bool)
    /// No subject of the layout.
    case unknown
  }

  /// The key.
  public let name: TensorName
  /// What stands before the layers; all of the key outside layers.
  public let prefix: String
  /// The text of the layer's number, or nil outside layers.
  public let layerText: String?
  /// The number of the layer, or nil where no parser would read one.
  public let layer: Int?
  /// What follows the layer's number; the key outside layers.
  public let rest: String
  /// The text of the expert's number, or nil.
  public let expertText: String?
  /// The number of the expert, or nil.
  public let expert: Int?
  /// What of `rest` is before the expert's number, in bytes of UTF-8.
  private let expertStart: Int?
  /// What it is about.
  public let subject: Subject
  /// Whether nothing follows the name that the layout knows.
  public let isWhole: Bool
  /// Whether it is spelled as the layout spells it.
  public let isExact: Bool

  /// Takes a key apart by a layout.
  ///
  /// - Complexity: O(length of the key + rules whose names have an expert's number).
  public init(_ name: TensorName, _ layout: Layout) {
    let table = layout.keys
    self.name = name
    guard let (prefix, layerText, rest) = table.layer(of: name.text) else {
      (self.prefix, layerText, layer, rest) = ("", nil, nil, name.text)
      (expertText, expert, expertStart) = (nil, nil, nil)
      let found = table.outside(name.text)
      (subject, isWhole, isExact) = (found ?? .unknown, true, true)
      return
    }
    self.prefix = prefix
    self.layerText = layerText
    layer = Self.number(layerText)
    self.rest = rest
    let found = table.inLayer(rest)
    subject = found.subject
    expertText = found.expertText
    expertStart = found.expertStart
    expert = found.expertText.flatMap(Self.number)
    func isPlain(_ text: String?, _ number: Int?) -> Bool {
      guard let text, number != nil else { return text == nil }
      let digits = text.utf8
      return digits.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        && (digits.count == 1 || digits.first != UInt8(ascii: "0"))
    }
    isWhole = found.isWhole
    isExact = isWhole && isPlain(layerText, layer) && isPlain(expertText, expert)
  }

  /// What follows the layer's number without the expert's number; the key outside layers.
  public var kind: String {
    guard let expertText, let expertStart, expert != nil else { return rest }
    let after = rest.utf8.dropFirst(expertStart + expertText.utf8.count)
    return String(Substring(rest.utf8.prefix(expertStart)))
      + String(Substring(after)).drop { $0 == "." }
  }

  /// The same key of another expert; the key itself if it has no expert's number.
  public func withExpert(_ number: Int) -> TensorName {
    guard let expertText, let expertStart else { return name }
    let after = rest.utf8.dropFirst(expertStart + expertText.utf8.count)
    let before = name.text.utf8.dropLast(rest.utf8.count - expertStart)
    return TensorName("\(Substring(before))\(number)\(Substring(after))")
  }

  /// A number that some parser would read, or nil.
  static func number(_ text: String) -> Int? {
    let digits = text.hasPrefix("+") ? text.dropFirst() : text[...]
    guard !digits.isEmpty else { return nil }
    if digits.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) {
      return Int(digits)
    }
    var result = 0
    for character in digits {
      guard let digit = character.wholeNumberValue, 0...9 ~= digit else { return nil }
      let (product, overflows) = result.multipliedReportingOverflow(by: 10)
      let (sum, overflowsToo) = product.addingReportingOverflow(digit)
      guard !overflows, !overflowsToo else { return nil }
      result = sum
    }
    return result
  }
}

extension LenientKey {
  /// The position of the tensor on disk that the key is, belongs to, or is the native name of.
  public var tensor: Int? {
    switch subject {
    case .tensor(let tensor), .renamed(let tensor), .companion(let tensor, _),
      .factor(let tensor, _):
      tensor
    case .group, .groupFactor, .fusedFactor, .unknown: nil
    }
  }

  /// All up to what belongs to the layer, as it is written; nil for keys outside layers.
  package var base: String? {
    layerText == nil ? nil : String(Substring(name.text.utf8.dropLast(rest.utf8.count)))
  }

  /// The name on the other side after the layer, where it differs in the name alone.
  package func otherName(_ layout: Layout, isOnDisk: Bool) -> String? {
    switch subject {
    case .tensor(let tensor) where isOnDisk:
      if case .renamed(let name) = layout.tensors[tensor].native { return name.start }
    case .renamed(let tensor) where !isOnDisk && layout.tensors[tensor].pieces.isEmpty:
      return layout.tensors[tensor].name.start
    default: break
    }
    return layout.modules.lazy.compactMap { module in
      let (own, other) =
        isOnDisk ? (module.onDisk, module.native) : (module.native, module.onDisk)
      return rest.hasPrefix(own) ? other + rest.dropFirst(own.count) : nil
    }.first
  }
}

/// The names of a layout, ready to be looked up.
final class KeyTable: Sendable {
  /// What layers' names have before the number, without the prefix, such as `layers.`.
  private let block: String
  private let outsideLayers: [String: LenientKey.Subject]
  private let wholeNames: [String: LenientKey.Subject]
  /// Names with a number in them, and what they are about.
  private let numbered: [NumberedNames]

  init(_ parts: LayoutParts, block: String) {
    self.block = block
    let first = parts.prefixes[0]
    var outside: [String: LenientKey.Subject] = [:]
    var whole: [String: LenientKey.Subject] = [:]
    var numbered: [NumberedNames] = []
    func addNumbered(_ start: String, _ end: String, _ subject: LenientKey.Subject) {
      let known = numbered.firstIndex { $0.start == start }
      if known == nil { numbered.append(NumberedNames(start: start)) }
      numbered[known ?? numbered.count - 1].add(end, subject)
    }
    func add(_ name: NamePattern, _ subject: LenientKey.Subject) {
      if let end = name.end {
        addNumbered(name.start, end, subject)
      } else if whole[name.start] == nil {
        whole[name.start] = subject
      }
    }
    for (position, rule) in parts.tensors.enumerated() {
      guard rule.kinds != nil else {
        for prefix in parts.prefixes {
          let text = rule.name.start
          outside[text.hasPrefix(first) ? prefix + text.dropFirst(first.count) : text] =
            .tensor(position)
        }
        let native = Layout.exchanging(
          rule.name.start, parts.starts, from: \.onDisk, to: \.native)
        if outside[native] == nil { outside[native] = .tensor(position) }
        continue
      }
      add(rule.name, .tensor(position))
      if case .renamed(let native) = rule.native { add(native, .renamed(position)) }
      for piece in rule.pieces { add(NamePattern(start: piece.name, end: nil), .renamed(position)) }
      for suffix in parts.companions {
        if let name = rule.name.replacingWeight(by: suffix) {
          add(name, .companion(of: position, suffix: suffix))
        }
      }
    }
    for (position, group) in parts.groups.enumerated() where group.kinds != nil {
      if whole[group.name] == nil { whole[group.name] = .group(position) }
    }
    for (lora, rule) in parts.lora.enumerated() {
      let group = parts.groups[rule.group]
      let module = group.module
      for (factor, isA) in [("A", true), ("B", false)] {
        whole["\(module)\(rule.native)_\(factor)"] = .groupFactor(lora: lora, isA: isA)
        // The first parameter is wrapped first, and the wrapper of the last is the outermost.
        let wrapper = String(repeating: "base_layer.", count: parts.lora.count - 1 - lora)
        whole["\(module)\(wrapper)lora_\(factor).weight"] = .fusedFactor(lora: lora, isA: isA)
        for part in group.parts {
          if let name = parts.tensors[part].name.replacingWeight(by: "lora_\(factor).weight") {
            addNumbered(name.start, name.end ?? "", .factor(of: part, isA: isA))
          }
        }
      }
    }
    (outsideLayers, wholeNames, self.numbered) = (outside, whole, numbered)
  }

  /// What stands before a layer, its number and what follows, or nil of keys outside layers.
  func layer(of text: String) -> (prefix: String, number: String, rest: String)? {
    let (bytes, block) = (text.utf8.span, block.utf8.span)
    var start = 0
    while !bytes.has(block, at: start) {
      guard let dot = bytes.dot(from: start) else { return nil }
      start = dot + 1
    }
    let number = start + block.count
    guard let dot = bytes.dot(from: number), dot > number else { return nil }
    return (text.bytes(0..<start), text.bytes(number..<dot), text.bytes(dot + 1..<bytes.count))
  }

  func outside(_ text: String) -> LenientKey.Subject? { outsideLayers[text] }

  /// What follows a layer's number, exactly as the layout has it or with text after it.
  func inLayer(
    _ rest: String
  ) -> (subject: LenientKey.Subject, expertText: String?, expertStart: Int?, isWhole: Bool) {
    if let subject = wholeNames[rest] { return (subject, nil, nil, true) }
    var longest: (subject: LenientKey.Subject, expertText: String, expertStart: Int, length: Int)?
    var unknown: (text: String, start: Int)?
    let bytes = rest.utf8.span
    for names in numbered where bytes.has(names.start.utf8.span, at: 0) {
      let start = names.start.utf8.count
      let end = bytes.dot(from: start) ?? bytes.count
      let number = rest.bytes(start..<end)
      guard LenientKey.number(number) != nil else { continue }
      for (name, subject) in names.ends where bytes.has(name.utf8.span, at: end) {
        let length = name.utf8.count
        if end + length == bytes.count { return (subject, number, start, true) }
        // The longest name that the key goes on from is the one meant.
        if length > longest?.length ?? -1 { longest = (subject, number, start, length) }
      }
      unknown = unknown ?? (number, start)
    }
    if let longest { return (longest.subject, longest.expertText, longest.expertStart, false) }
    // The number in the place of an expert's of a key that is about nothing known.
    return (.unknown, unknown?.text, unknown?.start, true)
  }
}

extension Span<UInt8> {
  /// Whether some bytes stand at a position.
  fileprivate func has(_ part: Span<UInt8>, at start: Int) -> Bool {
    guard part.count <= count - start else { return false }
    for index in part.indices where self[start + index] != part[index] { return false }
    return true
  }

  /// The position of the first dot from a position on.
  fileprivate func dot(from start: Int) -> Int? {
    for index in start..<count where self[index] == UInt8(ascii: ".") { return index }
    return nil
  }
}

extension String {
  /// Some of the bytes of its UTF-8, whose ends do not cut a character's.
  fileprivate func bytes(_ range: Range<Int>) -> String {
    let start = utf8.index(startIndex, offsetBy: range.lowerBound)
    return String(self[start..<utf8.index(start, offsetBy: range.count)])
  }
}

/// Names with a number in them, by what is before it.
private struct NumberedNames {
  let start: String
  /// What is after the number, and what the names are about.
  private(set) var ends: [(end: String, subject: LenientKey.Subject)] = []

  init(start: String) {
    self.start = start
  }

  mutating func add(_ end: String, _ subject: LenientKey.Subject) {
    ends.append((end, subject))
  }
}

extension NamePattern {
  /// The name with another suffix in the place of its last component `weight`, or nil if it has none.
  public func replacingWeight(by suffix: String) -> NamePattern? {
    let last = end ?? start
    guard last.hasSuffix(".weight") || last == "weight" else { return nil }
    let other = String(last.dropLast("weight".count)) + suffix
    return end == nil ? NamePattern(start: other, end: nil) : NamePattern(start: start, end: other)
  }
}

extension NativeGroup {
  /// The name without its last component, with a dot at the end.
  public var module: String {
    name.lastIndex(of: ".").map { String(name[...$0]) } ?? ""
  }
}

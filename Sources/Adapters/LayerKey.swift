// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// A key taken apart: `{prefix}layers.{layer}.{rest}`.
struct LayerKey {
  let prefix: Substring
  let layerText: Substring
  let rest: Substring

  /// The parts of a key, or nil if it belongs to no layer.
  init?(_ name: TensorName, _ names: LayoutNames) {
    let text = name.text
    guard let start = Self.blockStart(in: text, names.block) else { return nil }
    let digits = text[start...].droppingBytes(names.block.utf8.count)
    let layerText = digits.firstComponent
    guard !layerText.isEmpty, layerText.utf8.allSatisfy(Self.isDigit),
      layerText.endIndex < digits.endIndex
    else { return nil }
    self.prefix = text[..<start]
    self.layerText = layerText
    self.rest = digits.droppingBytes(layerText.utf8.count + 1)
  }

  /// Where the first component that begins the layers does so.
  private static func blockStart(in text: String, _ block: String) -> String.Index? {
    var start = text.startIndex
    while true {
      if text.utf8[start...].starts(with: block.utf8) { return start }
      guard let dot = text[start...].utf8.firstIndex(of: UInt8(ascii: ".")) else { return nil }
      start = text.utf8.index(after: dot)
    }
  }

  static func isDigit(_ byte: UInt8) -> Bool {
    UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
  }

  /// The number that ASCII digits mean, or nil where they have a leading zero or overflow.
  static func canonicalIndex(_ digits: Substring) -> Int? {
    guard let value = Int(digits), digits == String(value) else { return nil }
    return value
  }

  /// What follows a layer's number.
  enum Rest: Equatable {
    /// A tensor on disk of the layout, and the text of its expert's number.
    case tensor(rule: Int, expertText: Substring?)
    /// A native tensor that has another name on disk.
    case renamed(rule: Int)
    /// A native group.
    case group(Int)
    /// A companion of a tensor on disk.
    case companion(rule: Int, expertText: Substring?)
    /// A low-rank factor on disk of one expert.
    case factor(rule: Int, isA: Bool, expertText: Substring)
    /// A native low-rank factor.
    case groupFactor(lora: Int, isA: Bool)
    /// A fused factor as PEFT's ParamWrapper writes it.
    case fusedFactor(lora: Int, isA: Bool)
    /// A group of another native form of the table.
    case foreign
    /// In a module that has another name on the other side, which this is.
    case inModule(onDisk: Bool, other: String)
    /// In a module of experts, and none of its tensors.
    case unknownOfExperts
    case unknown
  }
}

/// The names of a layout as the adapter reads them: spelled exactly.
struct LayoutNames: Sendable {
  /// What layers' names have before the number, without the prefix.
  let block: String
  private let layout: Layout
  private let whole: [String: LayerKey.Rest]
  /// Names with a number in them: what stands before, and what stands after by its text.
  private let numbered: [(start: String, ends: [String: Numbered])]
  /// Modules that hold nothing but experts.
  private let expertModules: [String]
  private let factorSuffixes: [String]
  private let movedEnds: [String]
  private let movedModules: [String]

  private enum Numbered: Sendable {
    case tensor(Int)
    case companion(Int)
    case factor(Int, isA: Bool)
  }

  init(_ layout: Layout) {
    self.layout = layout
    block = layout.block
    var whole: [String: LayerKey.Rest] = [:]
    var numbered: [String: [String: Numbered]] = [:]
    func add(_ name: NamePattern, _ rest: LayerKey.Rest, _ ofExpert: Numbered) {
      if let end = name.end {
        numbered[name.start, default: [:]][end] = ofExpert
      } else {
        whole[name.start] = rest
      }
    }
    var movedEnds: [String] = []
    for (rule, tensor) in layout.tensors.enumerated() where tensor.kinds != nil {
      for suffix in layout.companions {
        guard let name = tensor.name.replacingWeight(by: suffix) else { continue }
        add(name, .companion(rule: rule, expertText: nil), .companion(rule))
      }
      for isA in [true, false] where tensor.name.hasExpert && !layout.lora.isEmpty {
        let suffix = isA ? "lora_A.weight" : "lora_B.weight"
        guard let name = tensor.name.replacingWeight(by: suffix), let end = name.end else {
          continue
        }
        numbered[name.start, default: [:]][end] = .factor(rule, isA: isA)
      }
    }
    for (rule, tensor) in layout.tensors.enumerated() where tensor.kinds != nil {
      if case .renamed(let native) = tensor.native {
        if whole[native.start] == nil { whole[native.start] = .renamed(rule: rule) }
        movedEnds += [tensor.name.start, native.start]
      }
    }
    for (group, native) in layout.groups.enumerated() { whole[native.name] = .group(group) }
    for (lora, rule) in layout.lora.enumerated() {
      let module = layout.groups[rule.group].module
      for (factor, isA) in [("A", true), ("B", false)] {
        whole["\(module)\(rule.native)_\(factor)"] = .groupFactor(lora: lora, isA: isA)
        // The first parameter is wrapped first, and the wrapper of the last is the outermost.
        let wrapper = String(repeating: "base_layer.", count: layout.lora.count - 1 - lora)
        whole["\(module)\(wrapper)lora_\(factor).weight"] = .fusedFactor(lora: lora, isA: isA)
      }
    }
    for (rule, tensor) in layout.tensors.enumerated() where tensor.kinds != nil {
      add(tensor.name, .tensor(rule: rule, expertText: nil), .tensor(rule))
    }
    for name in layout.foreignGroups where whole[name] == nil { whole[name] = .foreign }
    self.whole = whole
    self.numbered = numbered.map { (start: $0.key, ends: $0.value) }.sorted { $0.start < $1.start }
    expertModules = layout.expertModules
    factorSuffixes =
      layout.lora.isEmpty
      ? []
      : [".lora_A.weight", ".lora_B.weight"]
        + layout.lora.flatMap { [".\($0.native)_A", ".\($0.native)_B"] }
    self.movedEnds = movedEnds
    movedModules = layout.modules.flatMap { [$0.onDisk, $0.native] }
  }

  /// What follows a layer's number.
  func read(_ rest: Substring) -> LayerKey.Rest {
    if let known = whole[String(rest)] { return known }
    for (start, ends) in numbered where rest.utf8.starts(with: start.utf8) {
      let tail = rest.droppingBytes(start.utf8.count)
      let number = tail.firstComponent
      guard !number.isEmpty, number.utf8.allSatisfy(LayerKey.isDigit) else { continue }
      switch ends[String(tail.droppingBytes(number.utf8.count))] {
      case .tensor(let rule): return .tensor(rule: rule, expertText: number)
      case .companion(let rule): return .companion(rule: rule, expertText: number)
      case .factor(let rule, let isA): return .factor(rule: rule, isA: isA, expertText: number)
      case nil: break
      }
    }
    if expertModules.contains(where: { rest.utf8.starts(with: $0.utf8) }) {
      return .unknownOfExperts
    }
    for module in layout.modules {
      for (isOnDisk, own, other) in [
        (true, module.onDisk, module.native), (false, module.native, module.onDisk),
      ] where rest.utf8.starts(with: own.utf8) {
        return .inModule(
          onDisk: isOnDisk, other: other + rest.droppingBytes(own.utf8.count))
      }
    }
    return .unknown
  }

  /// Whether the key is a low-rank factor, which keeps its prefix whatever that is.
  func isFactor(_ name: TensorName) -> Bool {
    factorSuffixes.contains { name.text.hasSuffix($0) }
  }

  /// Whether the key mentions a tensor that the layout moves or renames on either side, wherever it
  /// stands.
  func mentionsMoved(_ name: TensorName) -> Bool {
    (expertModules + movedModules).contains { name.text.contains($0) }
      || movedEnds.contains { name.text.hasSuffix($0) }
  }

  /// The key of the weight that a companion belongs to, or nil if this is none.
  func weight(ofCompanion name: TensorName) -> TensorName? {
    let text = name.text
    guard let suffix = layout.companions.first(where: { text.hasSuffix($0) }) else { return nil }
    let module = text.dropLast(suffix.count)
    return module.utf8.last == UInt8(ascii: ".") ? TensorName("\(module)weight") : nil
  }
}

extension Substring {
  /// The text before the first dot.
  fileprivate var firstComponent: Substring {
    Substring(utf8.prefix { $0 != UInt8(ascii: ".") })
  }

  /// The text after some bytes, which are few and much cheaper to count than characters.
  func droppingBytes(_ count: Int) -> Substring {
    Substring(utf8.dropFirst(count))
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// A value as text without spaces, commas, colons and equals signs.
protocol TokenValue {
  var tokenText: String { get }
  /// The texts of all values, none if the values are no closed list.
  static var tokenTexts: [String] { get }
  init?(tokenText: String)
}

extension TokenValue {
  static var tokenTexts: [String] { [] }
}

extension TokenValue where Self: RawRepresentable<String> & CaseIterable {
  static var tokenTexts: [String] { allCases.map(\.tokenText) }

  var tokenText: String {
    rawValue.isEmpty ? "none" : String(rawValue.map { $0 == " " ? "-" : $0 })
  }

  init?(tokenText text: String) {
    guard let value = Self.allCases.first(where: { $0.tokenText == text }) else { return nil }
    self = value
  }
}

extension ModelPrefix: TokenValue {}
extension MTPPolicy: TokenValue {}
extension ExpertActivation: TokenValue {}
extension Completeness: TokenValue {}
extension ParamWrapperLayout: TokenValue {}
extension CheckpointScope: TokenValue {}
extension Bystanders: TokenValue {}
extension ExpertPart: TokenValue {}
extension LoRASpec.Layout: TokenValue {}

extension TokenValue where Self: LosslessStringConvertible {
  var tokenText: String { description }

  /// Takes what it would be written as, and nothing else that means the same.
  init?(tokenText text: String) {
    guard let value = Self(text), value.description == text else { return nil }
    self = value
  }
}

extension Int: TokenValue {}
extension UInt64: TokenValue {}
extension Bool: TokenValue {}

extension DType: TokenValue {
  var tokenText: String { inWords }
  static var tokenTexts: [String] { allCases.map(\.inWords) }

  init?(tokenText text: String) { self.init(inWords: text) }
}

extension Optional: TokenValue where Wrapped: TokenValue {
  var tokenText: String { self?.tokenText ?? "none" }
  static var tokenTexts: [String] {
    Wrapped.tokenTexts.isEmpty ? [] : Wrapped.tokenTexts + ["none"]
  }

  init?(tokenText text: String) {
    if text == "none" {
      self = .none
    } else {
      guard let value = Wrapped(tokenText: text) else { return nil }
      self = value
    }
  }
}

/// Parts of a text that a sign separates, the empty ones, too.
private func split(_ text: String, at sign: Character) -> [String] {
  text.split(separator: sign, omittingEmptySubsequences: false).map { String($0) }
}

/// Numbers, such as `0+2+5`.
struct NumberList: TokenValue {
  let numbers: [Int]

  init(numbers: [Int]) { self.numbers = numbers }

  var tokenText: String { numbers.map(\.tokenText).joined(separator: "+") }

  init?(tokenText text: String) {
    let numbers = text.isEmpty ? [] : split(text, at: "+").map { Int(tokenText: $0) }
    guard !numbers.contains(nil) else { return nil }
    self.numbers = numbers.compactMap(\.self)
  }
}

/// The kinds of layers, such as `d2s` for a dense one and two with experts.
struct LayerRuns: TokenValue {
  let kinds: [LayerKind]

  init(kinds: [LayerKind]) { self.kinds = kinds }

  var tokenText: String {
    var text = ""
    var rest = kinds[...]
    while let kind = rest.first {
      let count = rest.prefix { $0 == kind }.count
      text += (count == 1 ? "" : "\(count)") + (kind == .dense ? "d" : "s")
      rest = rest.dropFirst(count)
    }
    return text
  }

  init?(tokenText text: String) {
    var kinds: [LayerKind] = []
    var rest = text[...]
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isWholeNumber }
      rest = rest.dropFirst(digits.count)
      guard let count = digits.isEmpty ? 1 : Int(tokenText: String(digits)),
        (1...4096 - min(kinds.count, 4095)).contains(count), let letter = rest.popFirst(),
        let kind: LayerKind = letter == "d" ? .dense : letter == "s" ? .sparse : nil
      else { return nil }
      kinds += repeatElement(kind, count: count)
    }
    self.kinds = kinds
  }
}

extension ExpertParallelism: TokenValue {
  var tokenText: String { "\(rank)/\(size)" }

  init?(tokenText text: String) {
    let numbers = split(text, at: "/").map { Int(tokenText: $0) }
    guard numbers.count == 2, let rank = numbers[0], let size = numbers[1] else { return nil }
    try? self.init(rank: rank, size: size)
  }
}

extension LoRASpec: TokenValue {
  private static let usualPrefix = LoRASpec(.perExpert, rank: 1).prefix

  var tokenText: String {
    "\(layout.tokenText)@\(rank)" + (prefix == Self.usualPrefix ? "" : "@\(prefix)")
  }

  init?(tokenText text: String) {
    let parts = split(text, at: "@")
    guard (2...3).contains(parts.count), let layout = Layout(tokenText: parts[0]),
      let rank = Int(tokenText: parts[1]), parts.last != Self.usualPrefix
    else { return nil }
    self.init(layout, rank: rank, prefix: parts.count == 3 ? parts[2] : Self.usualPrefix)
  }
}

/// A name, and after `@` a value if it needs one, such as `shuffled@17`.
private struct NamedValue {
  let name: String
  private let value: String?

  init(_ text: String) {
    let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    name = String(parts[0])
    value = parts.count > 1 ? String(parts[1]) : nil
  }

  var isAlone: Bool { value == nil }

  /// What is made of the value; nil if it has another type.
  func map<Value: TokenValue, Result>(_ make: (Value) -> Result) -> Result? {
    value.flatMap { Value(tokenText: $0) }.map(make)
  }
}

extension KeyOrder: TokenValue {
  var tokenText: String {
    let name = KeyOrderClass(self).rawValue
    return switch self {
    case .schema, .sorted, .reversed: name
    case .shuffled(let seed): "\(name)@\(seed)"
    case .sharded(let count): "\(name)@\(count)"
    }
  }

  init?(tokenText: String) {
    let text = NamedValue(tokenText)
    let order: KeyOrder? =
      switch KeyOrderClass(rawValue: text.name) {
      case .schema where text.isAlone: .schema
      case .sorted where text.isAlone: .sorted
      case .reversed where text.isAlone: .reversed
      case .shuffled: text.map { .shuffled($0) }
      case .sharded: text.map { .sharded($0) }
      default: nil
      }
    guard let order else { return nil }
    self = order
  }
}

extension ExclusionClass: TokenValue {}

extension Exclusion: TokenValue {
  var tokenText: String {
    let name = ExclusionClass(self).tokenText
    return switch self {
    case .layer(let number), .expert(let number): "\(name)@\(number)"
    case .projection(let part): "\(name)@\(part.tokenText)"
    default: name
    }
  }

  init?(tokenText: String) {
    let text = NamedValue(tokenText)
    let exclusion: Exclusion? =
      switch ExclusionClass(tokenText: text.name) {
      case .layer: text.map { (number: UInt64) in .layer(Int(clamping: number)) }
      case .expert: text.map { (number: UInt64) in .expert(Int(clamping: number)) }
      case .projection: text.map { .projection($0) }
      case let plain where text.isAlone: plain.flatMap { Exclusion($0) }
      default: nil
      }
    guard let exclusion else { return nil }
    self = exclusion
  }

  /// An exclusion that its class says all about.
  private init?(_ plain: ExclusionClass) {
    switch plain {
    case .none: self = .none
    case .head: self = .head
    case .experts: self = .experts
    case .expertBias: self = .expertBias
    case .nativeExpertBias: self = .nativeExpertBias
    case .unanchored: self = .unanchored
    case .everything: self = .everything
    case .layer, .expert, .projection: return nil
    }
  }
}

extension TensorContents: TokenValue {
  var tokenText: String {
    switch kind {
    case .constant(let number), .tracer(let number): "\(kind.name)@\(number)"
    case .iota: kind.name
    case .random, .special: "\(kind.name)@\(seed)"
    }
  }

  init?(tokenText: String) {
    let text = NamedValue(tokenText)
    let contents: TensorContents? =
      switch ContentsClass(rawValue: text.name) {
      case .constant: text.map { TensorContents(.constant(pattern: $0)) }
      case .tracer: text.map { TensorContents(.tracer(digit: $0)) }
      case .iota where text.isAlone: TensorContents(.iota)
      case .random: text.map { TensorContents(.random, seed: $0) }
      case .special: text.map { TensorContents(.special, seed: $0) }
      default: nil
      }
    guard let contents else { return nil }
    self = contents
  }
}

/// Faults by their names, each with the number that chooses its place, such as `missing-router@3`.
enum FaultList {
  /// What a text without faults means: a checkpoint without any tensor.
  static func plain(_ kinds: [CheckpointFaultKind]) -> [CheckpointFault] {
    faults("empty", kinds) ?? []
  }

  /// The faults that a checkpoint has room for, in place of those that were drawn.
  static func made(in spec: CheckpointSpec) -> [CheckpointFault] {
    let made = FaultyCheckpoint(spec).made
    return made.isEmpty ? plain(CheckpointFaultCatalogue.all) : made
  }

  static func text(of spec: CheckpointSpec) -> String {
    made(in: spec).map { fault in
      let name = CheckpointFaultCatalogue.all[fault.kind].name
      return fault.site == 0 ? name : "\(name)@\(fault.site)"
    }.joined(separator: "+")
  }

  /// The faults of a text, of which there are one or two; nil if it is none.
  static func faults(_ text: String, _ kinds: [CheckpointFaultKind]) -> [CheckpointFault]? {
    var faults: [CheckpointFault] = []
    for text in split(text, at: "+") {
      let text = NamedValue(text)
      guard faults.count < 2, let kind = kinds.firstIndex(where: { $0.name == text.name }),
        let site = text.isAlone ? 0 : text.map({ (site: UInt64) in site })
      else { return nil }
      faults.append(CheckpointFault(kind: kind, site: site))
    }
    return faults
  }
}

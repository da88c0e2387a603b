// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// A key of a layer, read exactly as it is spelled: `{prefix}layers.{layer}.{rest}`.
struct ExactKey {
  /// What a key is about.
  enum Subject: Equatable {
    /// What the layout knows.
    case known(LenientKey.Subject)
    /// A group of another native form of the table.
    case foreign
    /// In a module that has another name on the other side, which this is.
    case inModule(onDisk: Bool, other: String)
    /// In a module of experts, and none of its tensors.
    case unknownOfExperts
    case unknown
  }

  let prefix: String
  let layerText: String
  /// The number of the layer, or nil where no integer holds it.
  let layer: Int?
  let rest: String
  /// The text of the expert's number in what the layout knows.
  let expertText: String?
  let subject: Subject

  /// The parts of a key, or nil if it belongs to no layer.
  init?(_ name: TensorName, _ layout: Layout) {
    let key = LenientKey(name, layout)
    guard let layerText = key.layerText, layerText.isOfDecimals else { return nil }
    (prefix, self.layerText, layer, rest) = (key.prefix, layerText, key.layer, key.rest)
    var (known, expertText) = (key, key.expertText)
    if key.subject == .unknown,
      let large = key.rest.split(separator: ".").lazy.map({ String($0) }).first(where: \.isTooLarge)
    {
      // A number that is too large to be read is an expert's still.
      known = LenientKey(TensorName(name.text.replacing(".\(large).", with: ".0.")), layout)
      expertText = large
    }
    let isKnown = known.subject != .unknown && known.isWhole && expertText?.isOfDigits ?? true
    self.expertText = isKnown ? expertText : nil
    subject = isKnown ? .known(known.subject) : Self.stray(key.rest, layout)
  }

  private static func stray(_ rest: String, _ layout: Layout) -> Subject {
    if layout.foreignGroups.contains(rest) { return .foreign }
    if layout.expertModules.contains(where: { rest.following($0) != nil }) {
      return .unknownOfExperts
    }
    for module in layout.modules {
      if let tail = rest.following(module.onDisk) {
        return .inModule(onDisk: true, other: module.native + tail)
      }
      if let tail = rest.following(module.native) {
        return .inModule(onDisk: false, other: module.onDisk + tail)
      }
    }
    return .unknown
  }

  /// The number that ASCII digits mean, or nil where they have a leading zero or overflow.
  static func canonicalIndex(_ digits: String) -> Int? {
    guard let value = Int(digits), digits == String(value) else { return nil }
    return value
  }
}

extension String {
  /// What follows a start, or nil if the text has another.
  func following(_ start: String) -> String? {
    utf8.starts(with: start.utf8) ? String(Substring(utf8.dropFirst(start.utf8.count))) : nil
  }

  /// Whether the text is a number that no integer holds.
  fileprivate var isTooLarge: Bool { isOfDigits && Int(self) == nil }

  /// Whether the text has nothing but decimal digits of any script, as `\d` of Python has it.
  fileprivate var isOfDecimals: Bool {
    isOfDigits || unicodeScalars.allSatisfy { $0.properties.generalCategory == .decimalNumber }
  }

  fileprivate var isOfDigits: Bool {
    utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
  }
}

/// What parts of keys say wherever they stand.
struct LayoutNames: Sendable {
  private let companions: [String]
  private let factorSuffixes: [String]
  private let movedEnds: [String]
  private let movedModules: [String]

  init(_ layout: Layout) {
    companions = layout.companions
    factorSuffixes =
      layout.lora.isEmpty
      ? []
      : [".lora_A.weight", ".lora_B.weight"]
        + layout.lora.flatMap { [".\($0.native)_A", ".\($0.native)_B"] }
    movedModules = layout.expertModules + layout.modules.flatMap { [$0.onDisk, $0.native] }
    var ends: [String] = []
    for tensor in layout.tensors where tensor.kinds != nil {
      if case .renamed(let native) = tensor.native { ends += [tensor.name.start, native.start] }
      ends += tensor.pieces.map(\.name)
    }
    movedEnds = ends
  }

  /// Whether the key is a low-rank factor, which keeps its prefix whatever that is.
  func isFactor(_ name: TensorName) -> Bool {
    factorSuffixes.contains { name.text.hasSuffix($0) }
  }

  /// Whether the key mentions a tensor that the layout moves or renames on either side.
  func mentionsMoved(_ name: TensorName) -> Bool {
    movedModules.contains { name.contains($0) }
      || movedEnds.contains { name.text.hasSuffix($0) }
  }

  /// The key of the weight that a companion belongs to, or nil if this is none.
  func weight(ofCompanion name: TensorName) -> TensorName? {
    let text = name.text
    guard let suffix = companions.first(where: { text.hasSuffix($0) }) else { return nil }
    let module = text.dropLast(suffix.count)
    return module.utf8.last == UInt8(ascii: ".") ? TensorName("\(module)weight") : nil
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// A key taken apart: `{prefix}layers.{layer}.{rest}`.
struct LayerKey {
  let prefix: Substring
  let layerText: Substring
  let rest: Substring

  /// The parts of a key, or nil if it belongs to no layer.
  init?(_ name: TensorName) {
    let text = name.text
    guard let start = Self.layersStart(in: text) else { return nil }
    let digits = text[start...].droppingBytes(Self.start.utf8.count)
    let layerText = digits.firstComponent
    guard !layerText.isEmpty, layerText.utf8.allSatisfy(Self.isDigit),
      layerText.endIndex < digits.endIndex
    else { return nil }
    self.prefix = text[..<start]
    self.layerText = layerText
    self.rest = digits.droppingBytes(layerText.utf8.count + 1)
  }

  private static let start = "layers."

  /// Where the first component `layers` begins.
  private static func layersStart(in text: String) -> String.Index? {
    var start = text.startIndex
    while true {
      if text.utf8[start...].starts(with: Self.start.utf8) { return start }
      guard let dot = text[start...].utf8.firstIndex(of: UInt8(ascii: ".")) else { return nil }
      start = text.utf8.index(after: dot)
    }
  }

  /// Whether the layer is one of a language model rather than of some other module.
  var hasModelPrefix: Bool { ModelPrefix.allCases.contains { prefix == $0.rawValue } }

  static func isDigit(_ byte: UInt8) -> Bool {
    UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
  }

  /// The number that ASCII digits mean, or nil where they have a leading zero or overflow.
  static func canonicalIndex(_ digits: Substring) -> Int? {
    guard let value = Int(digits), digits == String(value) else { return nil }
    return value
  }
}

extension TensorName {
  /// The number of the layer that this key belongs to, or nil for keys outside layers.
  package var layerIndex: Int? { LayerKey(self).flatMap { LayerKey.canonicalIndex($0.layerText) } }

  /// The number of the expert whose part on disk this key names, or nil for other keys.
  package var expertIndex: Int? {
    guard let key = LayerKey(self), key.rest.hasPrefix(ExpertKey.start),
      case .part(let expert, _, _) = ExpertKey(
        key.rest.droppingBytes(ExpertKey.start.utf8.count))
    else { return nil }
    return LayerKey.canonicalIndex(expert)
  }
}

/// What follows `mlp.experts.` in a key.
enum ExpertKey: Equatable {
  /// A weight or LoRA factor of one expert on disk.
  case part(expertText: Substring, Projection, suffix: Substring)
  /// A quantization scale of one expert on disk.
  case scale(expertText: Substring, Projection)
  /// A grouped native tensor.
  case group(Substring)
  /// A fused factor as PEFT's ParamWrapper writes it.
  case paramWrapper(Substring)
  /// The fused experts that transformers keeps in memory.
  case fused
  case unknown

  static let start = "mlp.experts."
  static let scaleSuffixes = ["weight_scale", "weight_scale_inv", "input_scale"]
  private static let paramWrapperSuffixes = [
    "lora_A.weight", "lora_B.weight", "base_layer.lora_A.weight", "base_layer.lora_B.weight",
  ]

  init(_ tail: Substring) {
    let first = tail.firstComponent
    if !first.isEmpty, first.utf8.allSatisfy(LayerKey.isDigit) {
      let member = tail.droppingBytes(first.utf8.count + 1)
      let name = member.firstComponent
      let suffix = member.droppingBytes(name.utf8.count + 1)
      guard let projection = Projection(rawValue: String(name)), !suffix.isEmpty else {
        self = .unknown
        return
      }
      if Self.scaleSuffixes.contains(where: { suffix == $0 }) {
        self = .scale(expertText: first, projection)
      } else if HyLayout.groups.contains(where: { suffix == $0.suffix }) {
        self = .part(expertText: first, projection, suffix: suffix)
      } else {
        self = .unknown
      }
    } else if HyLayout.groups.contains(where: { tail == $0.native }) {
      self = .group(tail)
    } else if Self.paramWrapperSuffixes.contains(where: { tail == $0 }) {
      self = .paramWrapper(tail)
    } else if tail == "gate_up_proj" || tail == "down_proj" {
      self = .fused
    } else {
      self = .unknown
    }
  }
}

extension Substring {
  /// The text before the first dot.
  fileprivate var firstComponent: Substring {
    Substring(utf8.prefix { $0 != UInt8(ascii: ".") })
  }

  /// The text behind some bytes, which are few and much cheaper to count than characters.
  func droppingBytes(_ count: Int) -> Substring {
    Substring(utf8.dropFirst(count))
  }
}

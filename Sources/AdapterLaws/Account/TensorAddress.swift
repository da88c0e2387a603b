// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// A key read generously, since input is invalid that no rule of the layout reads: numbers may have
/// leading zeros, a sign or digits of any script, and text may follow `weight`.
struct TensorAddress {
  let name: TensorName
  /// The number behind `layers`, nil for keys outside layers and numbers beyond integers.
  let layer: Int?
  let prefix: Substring
  /// All up to what belongs to the layer, as it is written; nil for keys outside layers.
  let base: String?
  /// The components behind that.
  let tail: [Substring]
  /// The number behind `experts`.
  let expert: Int?
  /// Whether the key is spelled as the layout spells it.
  let isExact: Bool
  let part: ExpertPart?

  init(_ name: TensorName) {
    self.name = name
    let text = name.text
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard let at = parts.firstIndex(of: "layers"), at + 2 < parts.count else {
      (layer, prefix, base, tail) = (nil, "", nil, [])
      (expert, isExact, part) = (nil, true, nil)
      return
    }
    layer = Self.number(parts[at + 1])
    prefix = text[..<parts[at].startIndex]
    base = String(text[..<parts[at + 2].startIndex])
    tail = Array(parts[(at + 2)...])
    let isOfExperts = tail.count > 2 && tail[0] == "mlp" && tail[1] == "experts"
    expert = isOfExperts ? Self.number(tail[2]) : nil
    let exact = OracleKey(name)?.expertPart
    let read = Self.part(tail, expert) ?? exact
    part = read
    let isPlain =
      Self.isPlain(layer, parts[at + 1]) && (expert == nil || Self.isPlain(expert, tail[2]))
    isExact = isPlain && (exact != nil || read == nil)
  }

  /// Whether a number is written as the layout writes it.
  private static func isPlain(_ number: Int?, _ text: Substring) -> Bool {
    number.map { "\($0)" == text } ?? false
  }

  private static func part(_ tail: [Substring], _ expert: Int?) -> ExpertPart? {
    guard let expert, tail.count > 4, let projection = Projection(rawValue: String(tail[3])) else {
      return nil
    }
    switch tail[4...].joined(separator: ".") {
    case "lora_A.weight": return .ofExpert(expert, projection, .factorA)
    case "lora_B.weight": return .ofExpert(expert, projection, .factorB)
    case let suffix where suffix.contains("scale"): return .ofExpert(expert, projection, .scale)
    case let suffix where suffix.hasPrefix("weight"):
      return .ofExpert(expert, projection, .weight)
    default: return nil
    }
  }

  /// A number that some parser would read, or nil.
  private static func number(_ text: Substring) -> Int? {
    let digits = text.hasPrefix("+") ? text.dropFirst() : text
    guard !digits.isEmpty else { return nil }
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

  /// The base with the layer's number as the layout writes it.
  var plainBase: String? { layer.map { "\(prefix)layers.\($0)." } }

  /// The components of the tail behind a base.
  func joined(_ base: String) -> TensorName { TensorName(base + tail.joined(separator: ".")) }

  /// The tail behind a base, with the first of some starts replaced; nil if none fits.
  func renamed(_ base: String, _ renames: [(from: [String], to: [String])]) -> TensorName? {
    for (from, to) in renames where tail.starts(with: from, by: ==) {
      let parts = to.map { $0[...] } + tail[from.count...]
      return TensorName(base + parts.joined(separator: "."))
    }
    return nil
  }
}

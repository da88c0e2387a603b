// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts

/// Texts with the names that a layout has for its tensors.
///
/// What is in braces is a site, for whose tensors reports have words, such as `{router}`. Of the first tensor
/// of a site,
///
/// - `{key down}` and `{key down 1}` are keys on disk in layer 0, of expert 0 or another, and `{bare embedding}`
///   is one without the usual prefix, `{stem head}` one without its last component;
/// - `{native down}` is the native name without its layer, `{group down}` its last component and
///   `{module down}` what comes before that;
/// - `{factor down}` is the last component of native low-rank factors without their letter.
///
/// `{prefix}` is the usual start of keys, `{layer 1}` that of keys of a layer.
struct FaultWords {
  let layout: Layout

  /// A text with its braces filled in.
  func filled(_ text: String) -> String {
    var result = ""
    var rest = text[...]
    while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
      result += rest[..<open]
      result += word(String(rest[rest.index(after: open)..<close]))
      rest = rest[rest.index(after: close)...]
    }
    return result + rest
  }

  private func word(_ text: String) -> String {
    if text == "prefix" { return layout.prefixes[0] }
    let parts = text.split(separator: " ", maxSplits: 1).map { String($0) }
    let site = parts.count > 1 ? parts[1] : ""
    switch parts[0] {
    case "layer": return "\(layout.layerStart)\(site)."
    case "key": return key(site)
    case "stem": return key(site).split(separator: ".").dropLast().joined(separator: ".")
    case "bare": return String(key(site).dropFirst(layout.prefixes[0].count))
    case "native": return native(site)
    case "group": return native(site).lastComponent
    case "module": return String(native(site).dropLast(native(site).lastComponent.count))
    case "factor":
      return FaultSite.named[site]?.positions(in: layout).first.map(layout.nativeFactor) ?? ""
    default: return list(FaultSite.named[text])
    }
  }

  private func key(_ text: String) -> String {
    let last = text.split(separator: " ").last.map { String($0) } ?? ""
    let expert = Int(last)
    let site = expert == nil ? text : String(text.dropLast(last.count + 1))
    guard let rule = FaultSite.named[site]?.rules(in: layout).first else { return "" }
    return (rule.kinds == nil ? "" : "\(layout.layerStart)0.") + rule.name.name(expert: expert ?? 0)
  }

  private func native(_ site: String) -> String {
    FaultSite.named[site]?.rules(in: layout).first.map(layout.nativeName) ?? ""
  }

  /// The words for the tensors of a site, each once.
  private func list(_ site: FaultSite?) -> String {
    var words: [String] = []
    for word in site?.classes(in: layout) ?? [] where !words.contains(word) { words.append(word) }
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " and " + last
  }
}

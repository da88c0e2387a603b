// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts

/// Expected words with the names that a layout has for its tensors.
///
/// What stands in braces is a list of sites, for whose tensors reports have words, such as
/// `{router, router bias}`; `sorted` before it sorts them. Behind bars follow what to say of one tensor
/// and of several, `{down|is|are}`, and what in place of all that if there is none; `{groups down|is|are}` lists
/// the tensors' groups. `{key down}` and `{key down 1}` are keys on disk, of expert 0 or another,
/// in layer 0; `{native down}` is a native name without its layer, `{group down}` its last component,
/// `{module down}` what stands before that, `{factor down}` that of native low-rank factors, `{prefix}` the
/// usual start of keys, `{bare embedding}` a key without it, `{layer 1}` what keys of a layer start with, `{rows down}` what rows of native
/// tensors are on disk, and `{decoder layer}` lists what a decoder layer has.
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
    var choices = text.split(separator: "|").map { String($0) }
    let subject = choices.removeFirst()
    switch subject {
    case "prefix": return layout.prefixes[0]
    case "decoder layer": return Self.list(decoderLayer)
    default: break
    }
    for (function, word) in functions where subject.hasPrefix("\(function) ") {
      return word(String(subject.dropFirst(function.count + 1)))
    }
    let words = words(of: subject)
    let list = Self.list(words)
    if words.isEmpty, choices.count > 2 { return choices[2] }
    guard choices.count > 1 else { return list }
    return "\(list) \(choices[words.count == 1 ? 0 : 1])"
  }

  private var functions: [(name: String, word: (String) -> String)] {
    [
      ("key", key), ("native", native), ("group", group), ("factor", factor),
      ("layer", { "\(layout.layerStart)\($0)." }),
      ("bare", { String(key($0).dropFirst(layout.prefixes[0].count)) }),
      ("module", { String(native($0).dropLast(group($0).count)) }),
      ("rows", { layout.transposes(positions($0)) ? "columns" : "rows" }),
    ]
  }

  private func positions(_ site: String) -> [Int] {
    FaultSite.named[site]?.positions(in: layout) ?? []
  }

  private func rule(_ site: String) -> TensorRule? {
    positions(site).first.map { layout.tensors[$0] }
  }

  /// The words for the tensors of sites, or for their groups, each once.
  private func words(of sites: String) -> [String] {
    if sites.hasPrefix("sorted ") { return words(of: String(sites.dropFirst(7))).sorted() }
    let isOfGroups = sites.hasPrefix("groups ")
    let sites = isOfGroups ? String(sites.dropFirst(7)) : sites
    let positions = Set(sites.split(separator: ", ").flatMap { self.positions(String($0)) })
      .sorted()
    var result: [String] = []
    for position in positions {
      let rule = layout.tensors[position]
      let word = isOfGroups ? Self.last(layout.nativeName(of: rule)) : rule.word
      if !result.contains(word) { result.append(word) }
    }
    return result
  }

  /// The words for the native tensors of a plain decoder layer.
  private var decoderLayer: [String] {
    let rules = FaultSite.stored.rules(in: layout).filter { $0.kinds != nil }
    let words = rules.map { rule in
      guard case .part(let group, _) = rule.native else { return rule.word }
      return Self.last(layout.groups[group].name)
    }
    return words.enumerated().filter { !words[..<$0.offset].contains($0.element) }.map(\.element)
  }

  private func key(_ text: String) -> String {
    let last = text.split(separator: " ").last.map { String($0) } ?? ""
    let expert = Int(last)
    let name = expert == nil ? text : String(text.dropLast(last.count + 1))
    guard let rule = rule(name) else { return "" }
    return (rule.kinds == nil ? "" : "\(layout.layerStart)0.") + rule.name.name(expert: expert ?? 0)
  }

  private func native(_ text: String) -> String {
    rule(text).map { layout.nativeName(of: $0) } ?? ""
  }

  private func group(_ text: String) -> String {
    Self.last(native(text))
  }

  private func factor(_ text: String) -> String {
    let parts = Set(positions(text))
    return layout.lora.first { !parts.isDisjoint(with: layout.groups[$0.group].parts) }?.native
      ?? ""
  }

  /// The last component of a name.
  private static func last(_ name: String) -> String {
    String(name.split(separator: ".").last ?? "")
  }

  /// Words as diagnoses list them: of more than eight, seven and how many there are beside them.
  private static func list(_ words: [String]) -> String {
    let shown = words.count > 8 ? words.prefix(7) + ["\(words.count - 7) more"] : words[...]
    guard let last = shown.last, shown.count > 1 else { return shown.first ?? "" }
    return shown.dropLast().joined(separator: ", ") + " and " + last
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts

/// Expected words with the names that a layout has for its tensors.
///
/// What stands in braces is a list of sites, for whose tensors reports have words, such as
/// `{router, router bias}`; `sorted` before it sorts them, and `groups` before it names their groups. Behind
/// bars follow what to say of one tensor and of several, as in `{down|is|are}`, and a third for none; an
/// equals sign before a choice leaves the list out. Of the first tensor of a site,
///
/// - `{key down}` and `{key down 1}` are keys on disk in layer 0, of expert 0 or another, and `{bare embedding}`
///   is one without the usual prefix, `{stem head}` one without its last component;
/// - `{native down}` is the native name without its layer, `{group down}` its last component and
///   `{module down}` what stands before that;
/// - `{factor down}` is the last component of native low-rank factors without their letter;
/// - `{rows down}` is what rows of the native tensor are on disk.
///
/// `{prefix}` is the usual start of keys, `{layer 1}` that of keys of a layer, and `{decoder layer}` lists what a
/// decoder layer has.
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
    guard choices.count > 1 else { return list }
    let choice = choices[words.isEmpty ? choices.count - 1 : min(words.count - 1, 1)]
    return choice.hasPrefix("=") ? String(choice.dropFirst()) : "\(list) \(choice)"
  }

  private var functions: [(name: String, word: (String) -> String)] {
    [
      ("key", key), ("native", native), ("group", group), ("factor", factor),
      ("layer", { "\(layout.layerStart)\($0)." }),
      ("stem", { Self.stem(key($0)) }),
      ("bare", { String(key($0).dropFirst(layout.prefixes[0].count)) }),
      ("module", { String(native($0).dropLast(group($0).count)) }),
      ("rows", { layout.transposes(positions($0)) ? "columns" : "rows" }),
    ]
  }

  /// The tensors of sites, by position: in the order of the table, parts of groups where the last of their
  /// group stands, as native tensors do.
  private func positions(_ sites: String) -> [Int] {
    let positions = Set(
      sites.split(separator: ", ").flatMap { site in
        FaultSite.named[String(site)]?.positions(in: layout) ?? []
      })
    func place(_ position: Int) -> (Int, Int) {
      guard case .part(let group, _) = layout.tensors[position].native else {
        return (position, position)
      }
      return (layout.groups[group].parts.max() ?? position, position)
    }
    return positions.sorted { place($0) < place($1) }
  }

  private func rule(_ site: String) -> TensorRule? {
    positions(site).first.map { layout.tensors[$0] }
  }

  /// The words for the tensors of sites, or for their groups, each once.
  private func words(of sites: String) -> [String] {
    if sites.hasPrefix("sorted ") { return words(of: String(sites.dropFirst(7))).sorted() }
    let isOfGroups = sites.hasPrefix("groups ")
    let sites = isOfGroups ? String(sites.dropFirst(7)) : sites
    var result: [String] = []
    for position in positions(sites) {
      let rule = layout.tensors[position]
      var word = rule.word
      // What is renamed as it is keeps its word.
      if isOfGroups, !rule.isRenamed { word = Self.last(layout.nativeName(of: rule)) }
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

  /// A name without its last component.
  private static func stem(_ name: String) -> String {
    name.split(separator: ".").dropLast().joined(separator: ".")
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

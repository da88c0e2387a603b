// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import StrictJSON

/// A rule of transformers' mapping: names that a pattern fits get another, and tensors are joined or cut.
struct MappingRule {
  enum Kind: Equatable {
    case renaming
    case converter([MappingOperation])
    /// A kind that is not interpreted, by its name.
    case refused(String)
  }

  /// Which names a rule may fit.
  struct Scope {
    /// The module that the rule is of, or nil of the whole model's.
    let module: String?
    /// What names of the model begin with, or not.
    let base: String
  }

  let kind: Kind
  let scope: Scope
  /// What the mapping says, before it is made ready to match.
  private let written: (from: [String], to: [String])
  /// What a rule adds and takes away, if it changes what names begin with.
  private let prefix: (add: String?, remove: String?, below: String)?
  /// The patterns, by which parts of a conversion are known.
  let sources: [String]
  let targets: [String]
  private let patterns: [(source: Int, regex: Regex<AnyRegexOutput>)]

  init(_ field: JSONField, _ scope: Scope) throws(JSONFieldError) {
    let name = try field["kind"].string()
    switch name {
    case "PrefixChange":
      self.init(
        (
          field["add"].json?.stringValue, field["remove"].json?.stringValue,
          field["below"].json?.stringValue ?? ""
        ), scope)
    case "WeightConverter":
      var operations: [MappingOperation] = []
      for operation in try field["by"].elements() {
        operations.append(try MappingOperation(operation))
      }
      self.init(
        .converter(operations), from: try field["from"].strings(), to: try field["to"].strings(),
        scope)
    default:
      self.init(
        name == "WeightRenaming" ? .renaming : .refused(name), from: try field["from"].strings(),
        to: try field["to"].strings(), scope)
    }
  }

  private init(_ prefix: (add: String?, remove: String?, below: String), _ scope: Scope) {
    let start = prefix.below.isEmpty ? "" : "\(prefix.below)\\."
    let (from, to) =
      if let added = prefix.add {
        ("^\(start)(?:(?!\(added)\\.))(.+)", "\(start)\(added)\\.\\1")
      } else {
        ("^\(start)\(prefix.remove ?? "")\\.(.+)", "\(start)\\1")
      }
    self.init(.renaming, from: [from], to: [to], scope, prefix)
  }

  private init(
    _ kind: Kind, from: [String], to: [String], _ scope: Scope,
    _ prefix: (add: String?, remove: String?, below: String)? = nil
  ) {
    self.scope = scope
    self.prefix = prefix
    written = (from, to)
    var captured: String?
    targets = to.map { Self.target($0, &captured) }
    var sources = from
    for position in sources.indices {
      sources[position] = sources[position].replacing(
        "\\1", with: captured ?? "\\1", maxReplacements: 1)
      let isAnchored = to.count == from.count && to[position].hasPrefix("^")
      if isAnchored, !sources[position].hasPrefix("^") {
        sources[position] = "^\(sources[position])"
      }
    }
    self.sources = sources
    var patterns: [(source: Int, regex: Regex<AnyRegexOutput>)] = []
    var kind = kind
    // The longest of the patterns counts where several fit.
    for position in sources.indices.sorted(by: { sources[$0].count > sources[$1].count }) {
      var text = sources[position].replacing("*.", with: ".*\\.")
      // A pattern ends where a name ends: `weight` does not fit `weight_scale`.
      let isOpen = text.last.map { $0.isASCII && ($0.isLetter || $0.isNumber) } ?? false
      if isOpen { text += "(?!\\w)" }
      if let regex = try? Regex(text) {
        patterns.append((position, regex.matchingSemantics(.unicodeScalar)))
      } else {
        kind = .refused("the pattern \(text)")
      }
    }
    self.patterns = patterns
    self.kind = kind
  }

  /// A target as text that replaces: without anchors, look-around and escapes, its group as a number.
  private static func target(_ pattern: String, _ captured: inout String?) -> String {
    var pattern = pattern.hasPrefix("^") ? String(pattern.dropFirst()) : pattern
    pattern = pattern.replacing(#/\(\?.+?\)?\)/#, with: "")
    if let match = pattern.firstMatch(of: #/\(.+?\)/#) {
      let group = String(match.output)
      captured = group
      pattern = pattern.replacing(group, with: "\\1", maxReplacements: 1)
    }
    return pattern.replacing("\\.", with: ".")
  }

  /// Whether the rule changes what names begin with; it is undone only if it was used.
  var isOfPrefix: Bool { prefix != nil }

  /// The rule by which what this one has done is undone.
  var reversed: MappingRule {
    if let prefix { return MappingRule((prefix.remove, prefix.add, prefix.below), scope) }
    var kind = kind
    if case .converter(let operations) = kind {
      kind = .converter(operations.reversed().map(\.reversed))
    }
    return MappingRule(kind, from: written.to, to: written.from, scope)
  }

  /// The rule in the words of the mapping.
  var text: String {
    prefix.map { prefix in
      (prefix.add.map { "adds the prefix \($0)" } ?? "removes the prefix \(prefix.remove ?? "")")
        + (prefix.below.isEmpty ? "" : " below \(prefix.below)")
    } ?? "\(written.from.joined(separator: ", ")) to \(written.to.joined(separator: ", "))"
  }

  /// What the rule makes of a name, and which of its patterns fits; nil if none does.
  func renamed(_ key: String) -> (name: String, source: Int)? {
    var (start, name) = ("", key)
    if let module = scope.module {
      let own = module.isEmpty ? "" : "\(module)."
      let base = scope.base.isEmpty ? "" : "\(scope.base)."
      guard let found = [base + own, own].first(where: { key.hasPrefix($0) }) else { return nil }
      (start, name) = (found, String(key.dropFirst(found.count)))
    }
    var best: (source: Int, match: Regex<AnyRegexOutput>.Match)?
    for (source, regex) in patterns {
      guard let match = name.firstMatch(of: regex) else { continue }
      if best.map({ match.range.lowerBound < $0.match.range.lowerBound }) ?? true {
        best = (source, match)
      }
    }
    guard let best else { return nil }
    let groups = best.match.output
    let group = groups.count > 1 ? groups[1].substring.map { String($0) } : nil
    let replacement = targets[0].replacing("\\1", with: group ?? "\\1")
    let fitting = String(name[best.match.range])
    return (
      start + name.replacing(fitting, with: replacement, maxReplacements: 1), best.source
    )
  }
}

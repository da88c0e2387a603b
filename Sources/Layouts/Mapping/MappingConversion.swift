// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Rules of transformers' mapping in one direction.
struct MappingConversion {
  typealias Named = [(name: String, tensor: NumberedTensor)]

  /// What came of tensors.
  struct Result {
    var tensors: Named = []
    /// Names, and what kept their tensors from being converted.
    var refused: [(name: String, reason: String)] = []
    /// Names that became one, without a rule that joins them.
    var collisions: [(name: String, target: String)] = []
    /// The rules that fitted a name, each with the number of the pattern.
    var used: Set<[Int]> = []
  }

  let rules: [MappingRule]
  let isSaving: Bool

  /// The rules that are used when loading.
  init(loading rules: [MappingRule]) {
    self.rules = rules
    isSaving = false
  }

  /// The same rules, undone one after the other.
  init(saving rules: [MappingRule]) {
    self.rules = rules.reversed().map(\.reversed)
    isSaving = true
  }

  private static func isConverter(_ rule: MappingRule) -> Bool {
    if case .converter = rule.kind { true } else { false }
  }

  /// The name after all rules that rename.
  private func renamed(_ name: String, _ used: inout Set<[Int]>) -> (String, refused: String?) {
    var name = name
    for (number, rule) in rules.enumerated() where !Self.isConverter(rule) {
      guard let new = rule.renamed(name) else { continue }
      if case .refused(let kind) = rule.kind { return (name, kind) }
      used.insert([number, new.source])
      name = new.name
    }
    return (name, nil)
  }

  /// The name after the first rule that joins or cuts tensors, and which one that is.
  private func converted(_ name: String) -> (name: String, rule: Int, source: Int)? {
    for (number, rule) in rules.enumerated() where Self.isConverter(rule) {
      if let new = rule.renamed(name) { return (new.name, number, new.source) }
    }
    return nil
  }

  /// What a name alone becomes; an expert's number may become a star.
  func name(_ name: String) -> String {
    var used: Set<[Int]> = []
    if isSaving { return renamed(converted(name)?.name ?? name, &used).0 }
    let (renamed, _) = renamed(name, &used)
    return converted(renamed)?.name ?? renamed
  }

  /// Converts tensors, which are in the order of their names.
  ///
  /// - Parameter shape: The shape that the model has of a name.
  func convert(_ tensors: Named, shape: (String) -> [Int]?) -> Result {
    var result = Result()
    var joined: [(target: String, rule: Int, parts: MappingOperation.Parts, names: [String])] = []
    var places: [String: Int] = [:]
    var origins: [String: String] = [:]
    for (name, tensor) in tensors {
      let (early, refused) = isSaving ? (name, nil) : renamed(name, &result.used)
      guard let new = converted(early) else {
        let (late, refusedLate) = isSaving ? renamed(name, &result.used) : (early, refused)
        if let reason = refused ?? refusedLate {
          result.refused.append((name, reason))
        } else if origins.updateValue(name, forKey: late) != nil {
          result.collisions.append((name, late))
        } else {
          result.tensors.append((late, tensor))
        }
        continue
      }
      result.used.insert([new.rule, new.source])
      let place = places[new.name] ?? joined.count
      if place == joined.count {
        places[new.name] = place
        joined.append((new.name, new.rule, [], []))
      }
      let pattern = rules[new.rule].sources[new.source]
      joined[place].names.append(name)
      if let part = joined[place].parts.firstIndex(where: { $0.pattern == pattern }) {
        joined[place].parts[part].tensors.append(tensor)
      } else {
        joined[place].parts.append((pattern, [tensor]))
      }
    }
    for (target, number, parts, names) in joined {
      let rule = rules[number]
      guard case .converter(let operations) = rule.kind else { continue }
      var current = parts
      for operation in operations {
        guard let next = operation.applied(to: current, of: rule, expected: shape(target)) else {
          let reason = if case .refused(let name) = operation { name } else { "\(operation)" }
          result.refused += names.map { ($0, reason) }
          current = []
          break
        }
        current = next
      }
      let whole = target.replacing("*.", with: "0.")
      let known = current.first { whole.contains($0.pattern) }?.pattern
      let range = known.flatMap { whole.firstRange(of: $0) }
      for (pattern, tensors) in current {
        var name = pattern
        if let range { name = whole[..<range.lowerBound] + pattern + whole[range.upperBound...] }
        if isSaving { name = renamed(name, &result.used).0 }
        if origins.updateValue(names[0], forKey: name) != nil {
          result.collisions.append((names[0], name))
        } else if let tensor = tensors.first {
          result.tensors.append((name, tensor))
        }
      }
    }
    return result
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

extension LayerVariant {
  init(_ node: TableNode) throws(LayoutError) {
    var members: [String: String] = [:]
    for (key, value) in try node.members() { members[key] = try value.text() }
    let constant = members["value"].flatMap { Int($0) }
    let size = members["field"] ?? (constant == nil ? nil : "")
    if let list = members["list"], members.count == 1 {
      self.init(listField: list, value: list, otherValue: "", field: list, constant: nil)
    } else if let list = members["where"], let text = members["is"], let size,
      members.count == (members["else"] == nil ? 3 : 4)
    {
      self.init(
        listField: list, value: text, otherValue: members["else"] ?? "other", field: size,
        constant: constant)
    } else if let list = members["numbers"], let first = members["first"].flatMap({ Int($0) }),
      let size, members.count == (members["others"] == nil ? 3 : 4)
    {
      self.init(
        listField: list, value: "", otherValue: members["others"] ?? "", field: size,
        constant: constant, first: first)
    } else {
      throw node.error(
        expected: "where: a list's field, is: a text of it, and field: the size's field or value: "
          + "a number; numbers: a field with numbers of layers, first: that of the first layer, and "
          + "field or value; or list: a field with a size for each layer")
    }
  }
}

extension LayerRule {
  init(_ node: TableNode) throws(LayoutError) {
    var count = "num_hidden_layers"
    var patterns: [Pattern] = [.all]
    var prediction: Prediction?
    for (key, value) in try node.members() {
      switch key {
      case "count": count = try value.text()
      case "sparse":
        patterns = []
        for element in value.elements() { patterns.append(try Pattern(element)) }
      case "mtp": prediction = try Prediction(value)
      default: throw value.error(expected: "count, sparse or mtp", found: "'\(key)'")
      }
    }
    self.init(countField: count, patterns: patterns, prediction: prediction)
  }
}

extension LayerRule.Pattern {
  init(_ node: TableNode) throws(LayoutError) {
    let expected =
      "all, {from: field}, {kinds: field, named: {..}}, {except: field, step: field} or {only: field}"
    guard node.isMapping else {
      guard try node.text() == "all" else { throw node.error(expected: expected) }
      self = .all
      return
    }
    var members: [String: String] = [:]
    var names: [LayerRule.KindName]?
    for (key, value) in try node.members() {
      if key == "named" {
        names = []
        for (name, texts) in try value.members() {
          names?.append(LayerRule.KindName(name: name, texts: try texts.texts()))
        }
      } else {
        members[key] = try value.text()
      }
    }
    if let names {
      guard members.keys.sorted() == ["kinds"], names.contains(where: { $0.name == "sparse" }),
        !names.contains(where: { ["dense", "mtp"].contains($0.name) })
      else { throw node.error(expected: "kinds: a field, and named: {sparse: texts, name: texts}") }
      self = .kinds(field: members["kinds"] ?? "", names: names)
      return
    }
    let fallback = members.removeValue(forKey: "default").flatMap { Int($0) }
    switch (members.keys.sorted(), fallback) {
    case (["from"], _): self = .from(field: members["from"] ?? "", fallback: fallback)
    case (["kinds"], nil): self = .kinds(field: members["kinds"] ?? "")
    case (["only"], nil): self = .only(field: members["only"] ?? "")
    case (["except"], nil), (["except", "step"], nil):
      self = .except(field: members["except"] ?? "", step: members["step"])
    default: throw node.error(expected: expected)
    }
  }
}

extension LayerRule.Prediction {
  init(_ node: TableNode) throws(LayoutError) {
    var field: String?
    var isDropped = false
    var kind = LayerKind.sparse
    for (key, value) in try node.members() {
      switch key {
      case "count": field = try value.text()
      case "on load":
        switch try value.text() {
        case "drop": isDropped = true
        case "keep": isDropped = false
        default: throw value.error(expected: "drop or keep")
        }
      case "like":
        guard let named = LayerKind(rawValue: try value.text()) else {
          throw value.error(expected: "sparse or dense")
        }
        kind = named
      default: throw value.error(expected: "count, on load or like", found: "'\(key)'")
      }
    }
    guard let field else { throw node.error(expected: "a count") }
    self.init(field: field, isDroppedOnLoad: isDropped, kind: kind)
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What is declared and what comes of it.
extension AuditRun {
  /// Configs are written and read again; two facts in one field do not survive that.
  mutating func checkConfigs() {
    for audited in configs {
      let config = audited.config
      do throws(ConfigError) {
        guard try ModelConfig(json: config.json, layout: layout) != config else { continue }
        report(
          .config, layout.marks.fields["sizes"],
          expected: "a config that is the same when it is written and read again",
          found: "two facts in one field")
      } catch {
        report(
          .config, layout.marks.fields["sizes"],
          expected: "a config that can be read when it is written", found: "\(error)")
      }
    }
  }

  /// Sizes, flags, letters and low-rank factors that nothing uses.
  mutating func checkUse() {
    var (sizes, flags): (Set<Int>, Set<Int>) = ([], [])
    for rule in layout.tensors {
      sizes.formUnion(rule.condition.mentionedSizes)
      flags.formUnion(rule.condition.mentionedFlags)
      for axis in rule.axes { sizes.formUnion(axis.extent.mentionedSizes) }
      for extent in rule.nativeExtents ?? [] { sizes.formUnion(extent.mentionedSizes) }
      guard case .part(_, let terms) = rule.native else { continue }
      for term in terms { sizes.formUnion(term.offset.mentionedSizes) }
    }
    for rule in layout.sizes {
      switch rule.source {
      case .fields(_, _, let fallback): sizes.formUnion(fallback?.mentionedSizes ?? [])
      case .derived(let expression): sizes.formUnion(expression.mentionedSizes)
      case .gated: break
      }
    }
    for position in layout.sizes.indices where !sizes.contains(position) {
      // Harness and upstream need the number of experts whatever shapes say.
      guard layout.sizes[position].symbol != SizeSymbol.experts.rawValue else { continue }
      report(
        .used, layout.marks.sizes[position], expected: "a size that shapes or conditions mention",
        found: "\(layout.sizes[position].symbol) in none")
    }
    for position in layout.flags.indices where !flags.contains(position) {
      report(
        .used, layout.marks.flags[position], expected: "a flag that a condition mentions",
        found: "\(layout.flags[position].name) in none")
    }
    checkLetters()
    checkLoRA()
  }

  private mutating func checkLetters() {
    for (position, rule) in layout.tensors.enumerated() {
      let usesLetters = if case .part = rule.native { true } else { false }
      for axis in rule.axes {
        guard let letter = axis.letter else { continue }
        let own = axis.extent.singleSize.map { layout.sizes[$0].symbol.lowercased() }
        if own == letter { continue }
        if let size = layout.sizes.first(where: { $0.symbol.lowercased() == letter }) {
          report(
            .letters, mark(ofTensor: position),
            expected: "the letter of no other size, such as 'j: H'",
            found: "\(letter), the letter of \(size.symbol)")
        } else if !usesLetters {
          report(
            .letters, mark(ofTensor: position), expected: "letters that an index formula uses",
            found: "\(letter) and no formula")
        }
      }
    }
  }

  private mutating func checkLoRA() {
    for (name, mark) in layout.marks.lora {
      let isAnywhere = layout.natives.contains { native in
        (try? Layout(text: layout.text, name: layout.name, native: native))?.groups.contains {
          $0.name.split(separator: ".").last ?? "" == name
        } == true
      }
      guard !isAnywhere else { continue }
      report(
        .used, mark, expected: "the last component of a native group's name",
        found: "'\(name)', which no group has")
    }
  }

  /// Modules that are renamed, and tensors in them whose own names say otherwise.
  mutating func checkModules() {
    for (position, module) in layout.modules.enumerated() {
      let mark = layout.marks.modules[position]
      var isUsed = false
      for (tensor, rule) in layout.tensors.enumerated()
      where rule.name.start.hasPrefix(module.onDisk) && shareLayers(rule.kinds, module.kinds) {
        let expected = module.native + text(rule.name).dropFirst(module.onDisk.count)
        if case .renamed(let name) = rule.native, text(name) == expected {
          isUsed = true
        } else {
          report(
            .noShadowedRule, self.mark(ofTensor: tensor),
            expected: "'\(expected)', as the module's native name says",
            found: "a native name of its own")
        }
      }
      if !isUsed {
        report(
          .noShadowedRule, mark, expected: "a tensor that the module's native name renames",
          found: "none")
      }
    }
  }

  /// Whether some layer may have both, or both are outside layers.
  func shareLayers(_ one: LayerKinds?, _ other: LayerKinds?) -> Bool {
    guard let one, let other else { return one == nil && other == nil }
    return !one.isDisjoint(with: other)
  }

  /// Rules that no config meets.
  mutating func checkPresence() {
    var present: Set<Int> = []
    for audited in configs {
      for layer in audited.layers { present.formUnion(audited.rules(ofLayer: layer)) }
    }
    for position in layout.tensors.indices where !present.contains(position) {
      let rule = layout.tensors[position]
      // A table without prediction layers may extend one that has them.
      let isInherited = mark(ofTensor: position).table != layout.name
      if isInherited, rule.kinds == .mtp, layout.layers.prediction == nil { continue }
      report(
        .noDeadRule, mark(ofTensor: position), expected: "a config that has '\(text(rule.name))'",
        found: absence(of: rule))
    }
  }

  private func absence(of rule: TensorRule) -> String {
    if rule.kinds == .mtp, layout.layers.prediction == nil { return "no mtp layers" }
    if rule.kinds == .dense, layout.layers.patterns == [.all] { return "no dense layers" }
    return "a condition that no drawn config meets"
  }
}

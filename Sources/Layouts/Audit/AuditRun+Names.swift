// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// Names on disk and in native form.
extension AuditRun {
  /// Names are distinct, and what is renamed has a name of its own.
  mutating func checkNames() {
    for audited in configs {
      for layer in audited.layers { checkNames(audited, layer) }
    }
    checkRenames()
    checkNumbers()
    checkCompanions()
    checkPrefixes()
    checkStarts()
  }

  private mutating func checkNames(_ audited: AuditConfig, _ layer: Int?) {
    var onDisk: [String: Int] = [:]
    var native: [String: Int] = [:]
    for position in audited.rules(ofLayer: layer) {
      let rule = layout.tensors[position]
      for expert in 0..<(rule.name.hasExpert ? audited.config.expertCount : 1) {
        let name = rule.name.name(expert: expert)
        if let other = onDisk.updateValue(position, forKey: name) {
          report(
            .distinctOnDisk, mark(ofTensor: position), expected: "a name of its own",
            found: "'\(name)', as at \(mark(ofTensor: other).place)")
        }
        let whole = [nativeName(rule, expert: expert) ?? name]
        for nativeName in rule.pieces.isEmpty ? whole : rule.pieces.map(\.name) {
          // Parts of one group share its name.
          if let other = native.updateValue(position, forKey: nativeName),
            !isPart(position, ofGroupWith: other)
          {
            report(
              .distinctNatively, mark(ofTensor: position), expected: "a native name of its own",
              found: "'\(nativeName)', as at \(mark(ofTensor: other).place)")
          }
        }
      }
    }
  }

  /// Whether two tensors are parts of one group.
  private func isPart(_ position: Int, ofGroupWith other: Int) -> Bool {
    guard case .part(let group, _) = layout.tensors[position].native else { return false }
    return layout.groups[group].parts.contains(other)
  }

  /// The native name of a tensor or of the group that it is a part of, nil if it keeps its own.
  private func nativeName(_ rule: TensorRule, expert: Int) -> String? {
    switch rule.native {
    case .kept: nil
    case .renamed(let pattern): pattern.name(expert: expert)
    case .part(let group, _): layout.groups[group].name
    }
  }

  /// A native name that differs is no name on disk: conversion would not know what it has before it.
  private mutating func checkRenames() {
    for (position, rule) in layout.tensors.enumerated() {
      let native: String
      switch rule.native {
      case .kept: continue
      case .renamed(let name): native = text(name)
      case .part(let group, _): native = layout.groups[group].name
      }
      for (other, candidate) in layout.tensors.enumerated()
      where text(candidate.name) == native && (rule.kinds == nil) == (candidate.kinds == nil) {
        report(
          .idempotent, mark(ofTensor: position), expected: "a native name that is not used on disk",
          found: "'\(native)', the name at \(mark(ofTensor: other).place)")
      }
    }
  }

  /// A name with a number written out is an expert's name, however many experts there are.
  private mutating func checkNumbers() {
    for rule in layout.tensors {
      guard let end = rule.name.end else { continue }
      for (position, other) in layout.tensors.enumerated()
      where !other.name.hasExpert && (rule.kinds == nil) == (other.kinds == nil) {
        let name = other.name.start
        guard name.hasPrefix(rule.name.start), name.hasSuffix(end),
          name.count > rule.name.start.count + end.count
        else { continue }
        let number = name.dropFirst(rule.name.start.count).dropLast(end.count)
        guard number.allSatisfy(\.isASCII), Int(number) != nil else { continue }
        report(
          .noShadowedRule, mark(ofTensor: position),
          expected: "a name that is not also expert \(number)'s of '\(text(rule.name))'",
          found: "'\(name)'")
      }
    }
  }

  /// What accompanies a weight is no tensor of the table.
  private mutating func checkCompanions() {
    for (position, rule) in layout.tensors.enumerated() {
      for suffix in layout.companions {
        guard let companion = rule.name.replacingWeight(by: suffix),
          let other = layout.tensors.firstIndex(where: {
            $0.name == companion && shareLayers($0.kinds, rule.kinds)
          })
        else { continue }
        report(
          .noShadowedRule, mark(ofTensor: position),
          expected: "companions whose names no tensor has",
          found: "'\(text(companion))', the name at \(mark(ofTensor: other).place)")
      }
    }
  }

  /// No name under one prefix is another tensor's under another.
  private mutating func checkPrefixes() {
    var names: [String: (rule: Int, prefix: String)] = [:]
    for prefix in layout.prefixes {
      for (position, rule) in layout.tensors.enumerated() {
        let name = fullName(rule, under: prefix)
        let known = names[name]
        if let known, layout.tensors[known.rule].name != rule.name {
          report(
            .noShadowedRule, layout.marks.fields["prefix"],
            expected: "prefixes under which no name is another tensor's",
            found: "'\(name)', which is '\(text(layout.tensors[known.rule].name))' under "
              + "'\(known.prefix)'")
        }
        if known == nil { names[name] = (position, prefix) }
      }
    }
  }

  /// A start leads to its other side and back, and that of layers is the first.
  private mutating func checkStarts() {
    let mark = layout.marks.fields["prefix"]
    for start in layout.starts {
      let (native, onDisk) = (layout.toNative(start.onDisk), layout.toDisk(start.native))
      if native == start.native, onDisk == start.onDisk { continue }
      report(
        .reversible, mark, expected: "starts each of which is exchanged for another alone",
        found: "'\(start.onDisk)' to '\(native)', and '\(start.native)' to '\(onDisk)'")
    }
    if !layout.layerStart.hasPrefix(layout.prefixes[0]) {
      report(
        .noDeadRule, mark, expected: "a first prefix that names of layers begin with",
        found: "'\(layout.prefixes[0])', where they begin with '\(layout.layerStart)'")
    }
  }

  /// The name with the numbers that a checkpoint might have.
  private func fullName(_ rule: TensorRule, under prefix: String) -> String {
    let name = rule.name.name(expert: 1)
    return rule.kinds == nil
      ? layout.name(name, under: prefix) : layout.start(ofLayer: 1, under: prefix) + name
  }

  /// Every name is read as the rule that it comes from, and every native name leads back there.
  mutating func checkReading() {
    for (position, rule) in layout.tensors.enumerated() {
      for prefix in layout.prefixes {
        let name = fullName(rule, under: prefix)
        guard !isRead(name, as: position, natively: false) else { continue }
        report(
          .noShadowedRule, mark(ofTensor: position),
          expected: "a name that is read as the tensor at \(mark(ofTensor: position).place)",
          found: "'\(name)', read as \(reading(of: name))")
      }
      let onDisk = fullName(rule, under: layout.prefixes[0])
      if layout.toDisk(layout.toNative(onDisk)) != onDisk {
        report(
          .reversible, layout.marks.fields["prefix"],
          expected: "starts by which native names lead back to '\(onDisk)'",
          found: "'\(layout.toNative(onDisk))', back '\(layout.toDisk(layout.toNative(onDisk)))'")
      }
      guard rule.kinds != nil, let native = nativeName(rule, expert: 1) else { continue }
      let name = layout.toNative(layout.start(ofLayer: 1, under: layout.prefixes[0]) + native)
      guard !isRead(name, as: position, natively: true) else { continue }
      report(
        .reversible, mark(ofTensor: position),
        expected: "a native name that leads back to '\(text(rule.name))'",
        found: "'\(name)', read as \(reading(of: name))")
    }
  }

  private func isRead(_ name: String, as position: Int, natively: Bool) -> Bool {
    let (key, rule) = (LenientKey(TensorName(name), layout), layout.tensors[position])
    guard key.isExact else { return false }
    switch key.subject {
    case .tensor(let other): return !natively && layout.tensors[other].name == rule.name
    case .renamed(let other): return natively && layout.tensors[other].name == rule.name
    case .group(let group):
      let name = layout.groups[group].name
      if case .part(let own, _) = rule.native { return natively && layout.groups[own].name == name }
      return false
    default: return false
    }
  }

  private func reading(of name: String) -> String {
    let key = LenientKey(TensorName(name), layout)
    switch key.subject {
    case .tensor(let position): return "'\(text(layout.tensors[position].name))'"
    case .renamed(let position):
      return "the native name of '\(text(layout.tensors[position].name))'"
    case .group(let group): return "the group '\(layout.groups[group].name)'"
    case .companion(let position, let suffix):
      return "the \(suffix) of '\(text(layout.tensors[position].name))'"
    case .factor, .groupFactor, .fusedFactor: return "a low-rank factor"
    case .unknown: return "nothing known"
    }
  }
}

extension TableMark {
  /// The place in a few words.
  var place: String { "\(field)\(line.map { " (line \($0))" } ?? "")" }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Synchronization

/// What a key on disk says of its layer.
enum OnDiskMeaning: Sendable {
  /// A part of a group, of one expert or of all.
  case part(group: Int, rule: Int, expert: Int?)
  /// What stands beside the tensor of one expert.
  case companion(expert: Int)
  /// A low-rank factor of one expert.
  case factor(lora: Int, rule: Int, expert: Int, isA: Bool)
  /// A factor of all experts, as PEFT's ParamWrapper writes it.
  case fused(lora: Int, isA: Bool)
  /// The same tensor under this native name, relative to the layer.
  case renamed(String)
}

/// What a native key says of its layer.
enum NativeMeaning: Sendable {
  case group(Int)
  case factor(lora: Int, isA: Bool)
  /// The same tensor under this name on disk, relative to the layer.
  case renamed(String)
}

/// The names that the oracle knows of one layout, by what follows the number of a layer.
final class OracleNames: Sendable {
  /// Meanings of one name by the kinds of layers that have it.
  typealias Entries<Meaning: Sendable> = [(kinds: LayerKinds, meaning: Meaning)]

  /// What names of layers have before the number, without the prefix.
  let block: String
  private let onDisk: [Substring: Entries<OnDiskMeaning>]
  /// Names in which an expert's number stands, by what is before and behind it.
  private let numbered:
    [(start: String, ends: [Substring: Entries<@Sendable (Int) -> OnDiskMeaning>])]
  private let native: [Substring: Entries<NativeMeaning>]
  private let modules: [ModuleRename]

  /// The names of a layout, made once.
  static func of(_ layout: Layout) -> OracleNames {
    known.withLock { known in
      if let names = known[layout] { return names }
      let names = OracleNames(layout)
      known[layout] = names
      return names
    }
  }

  private static let known = Mutex<[Layout: OracleNames]>([:])

  private init(_ layout: Layout) {
    var names = Collector()
    for (position, rule) in layout.tensors.enumerated() {
      guard let kinds = rule.kinds else { continue }
      switch rule.native {
      case .kept: break
      case .renamed(let name):
        names.add(rule.name.start, kinds, .renamed(name.start))
        names.addNative(name.start, kinds, .renamed(rule.name.start))
      case .part(let group, _):
        names.add(rule.name, kinds) { .part(group: group, rule: position, expert: $0) }
      }
      guard rule.name.hasExpert else { continue }
      for suffix in layout.companions {
        names.add(rule.name.ending(suffix), kinds) { .companion(expert: $0 ?? 0) }
      }
    }
    for (position, group) in layout.groups.enumerated() {
      names.addNative(group.name, group.kinds ?? .all, .group(position))
    }
    for (lora, entry) in layout.lora.enumerated() {
      let group = layout.groups[entry.group]
      let (module, kinds) = (group.name.module, group.kinds ?? .all)
      for (letter, isA) in [("A", true), ("B", false)] {
        let fused = "\(module)\(lora == 0 ? "base_layer." : "")lora_\(letter).weight"
        names.add(fused, kinds, .fused(lora: lora, isA: isA))
        names.addNative("\(module)\(entry.native)_\(letter)", kinds, .factor(lora: lora, isA: isA))
        for rule in group.parts {
          names.add(layout.tensors[rule].name.ending("lora_\(letter).weight"), kinds) {
            .factor(lora: lora, rule: rule, expert: $0 ?? 0, isA: isA)
          }
        }
      }
    }
    block =
      layout.layerStart.hasPrefix(layout.prefixes[0])
      ? String(layout.layerStart.dropFirst(layout.prefixes[0].count)) : layout.layerStart
    (onDisk, numbered, native) = (names.onDisk, names.numbered, names.native)
    modules = layout.modules
  }

  /// What a key on disk says, or nil of one that stays as it is.
  func meaning(onDisk tail: Substring, _ kinds: LayerKinds) -> OnDiskMeaning? {
    if let entries = onDisk[tail] { return Self.entry(entries, kinds) }
    for (start, ends) in numbered where tail.utf8.starts(with: start.utf8) {
      let rest = tail.utf8.dropFirst(start.utf8.count)
      guard let (expert, end) = Substring(rest).leadingNumber else { continue }
      if let entries = ends[end] { return Self.entry(entries, kinds)?(expert) }
    }
    for module in modules where tail.hasPrefix(module.onDisk) {
      return .renamed(module.native + tail.dropFirst(module.onDisk.count))
    }
    return nil
  }

  /// What a native key says, or nil of one that stays as it is.
  func meaning(native tail: Substring, _ kinds: LayerKinds) -> NativeMeaning? {
    if let entries = native[tail] { return Self.entry(entries, kinds) }
    for module in modules where tail.hasPrefix(module.native) {
      return .renamed(module.onDisk + tail.dropFirst(module.native.count))
    }
    return nil
  }

  private static func entry<Meaning: Sendable>(
    _ entries: Entries<Meaning>, _ kinds: LayerKinds
  ) -> Meaning? {
    (entries.first { $0.kinds.contains(kinds) } ?? entries.first)?.meaning
  }

  private struct Collector {
    var onDisk: [Substring: Entries<OnDiskMeaning>] = [:]
    var numbered: [(start: String, ends: [Substring: Entries<@Sendable (Int) -> OnDiskMeaning>])] =
      []
    var native: [Substring: Entries<NativeMeaning>] = [:]

    mutating func add(_ name: String, _ kinds: LayerKinds, _ meaning: OnDiskMeaning) {
      onDisk[name[...], default: []].append((kinds, meaning))
    }

    mutating func addNative(_ name: String, _ kinds: LayerKinds, _ meaning: NativeMeaning) {
      native[name[...], default: []].append((kinds, meaning))
    }

    mutating func add(
      _ name: NamePattern, _ kinds: LayerKinds,
      _ meaning: @escaping @Sendable (Int?) -> OnDiskMeaning
    ) {
      guard let end = name.end else { return add(name.start, kinds, meaning(nil)) }
      let known = numbered.firstIndex { $0.start == name.start }
      if known == nil { numbered.append((name.start, [:])) }
      numbered[known ?? numbered.count - 1].ends[end[...], default: []].append((kinds, meaning))
    }
  }
}

extension NamePattern {
  /// The name with something else in the place of its last component.
  func ending(_ suffix: String) -> NamePattern {
    guard let end else { return NamePattern(start: start.module + suffix, end: nil) }
    return NamePattern(start: start, end: end.module + suffix)
  }
}

extension String {
  /// The text up to its last dot.
  var module: String { lastIndex(of: ".").map { String(self[...$0]) } ?? "" }
}

extension Substring {
  /// The decimal number that the text begins with, and what follows it.
  var leadingNumber: (number: Int, rest: Substring)? {
    let digits = utf8.prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    // Leading zeros are no part of a number.
    guard let first = digits.first, digits.count == 1 || first != UInt8(ascii: "0"),
      let number = Int(Substring(digits))
    else { return nil }
    return (number, self[digits.endIndex...])
  }
}

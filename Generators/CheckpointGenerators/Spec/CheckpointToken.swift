// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
public import Layouts
import StrictJSON
import Tensors

/// What is wrong with the text of a checkpoint.
public struct CheckpointTokenError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The part of the text.
  public let place: String
  /// What should be there.
  public let expected: String
  /// What is there.
  public let found: String

  /// Creates an error about a part of a text.
  public init(_ place: String, expected: String, found: String) {
    self.place = place
    self.expected = expected
    self.found = found
  }

  /// Whether the layout of the token is not known, so that a table of one's own may still read it.
  public var concernsLayout: Bool { place == Self.layout }

  static let layout = "the layout of the token"

  /// The text shown to people.
  public var description: String { "\(place): expected \(expected), found \(found)" }
}

/// A checkpoint as text that stays right when axes, their values or corruptions are added.
///
/// The text is `c1:`, the name of the layout, with `/` and the native form if that is not the table's
/// first, and `:` with what sets the checkpoint apart from the plainest of the layout:
/// `c1:hy_v3:num_experts=2,ep=1/2,contents=iota`. Sizes and flags have the names of their fields in
/// `config.json`. The text has no byte that a shell or a URL's fragment treats specially.
extension CheckpointSpec {
  /// What the texts of checkpoints begin with.
  public static let tokenPrefix = "c1:"

  /// A longer text is not read.
  public static let mostTokenBytes = 1 << 14

  /// The checkpoint as text.
  ///
  /// - Complexity: O(tensors log tensors), to find out which faults have a place.
  public var token: String {
    let layout = config.layout
    let plain = CheckpointSpec.plainest(of: layout)
    let words = TokenWord.all(of: layout).compactMap { word -> String? in
      let text = word.text(self)
      return text == word.text(plain) ? nil : "\(word.name)=\(text)"
    }
    let native = layout.native == layout.natives[0] ? "" : "/\(layout.native)"
    return Self.tokenPrefix + layout.name + native
      + (words.isEmpty ? "" : ":" + words.joined(separator: ","))
  }

  /// Reads a text.
  ///
  /// - Parameter own: The layout to read it by if it has the name in the text; others are known ones.
  /// - Throws: `CheckpointTokenError` if the text is none, or its values do not go together.
  public init(token: String, layout own: Layout? = nil) throws(CheckpointTokenError) {
    try self.init(token: token, layout: own, kinds: CheckpointFaultCatalogue.all)
  }

  /// - Parameter kinds: In which the spec's faults are positions.
  init(
    token: String, layout own: Layout?, kinds: [CheckpointFaultKind]
  ) throws(CheckpointTokenError) {
    let parts = try Self.parts(token)
    let layout = try Self.layout(parts.name, parts.native, own)
    var draft = TokenDraft(.plainest(of: layout), kinds)
    var left = TokenWord.all(of: layout)
    for text in parts.words {
      let (name, value) = (text.prefix { $0 != "=" }, text.drop { $0 != "=" }.dropFirst())
      guard let position = left.firstIndex(where: { $0.name == name }) else {
        let isTwice = TokenWord.all(of: layout).contains { $0.name == name }
        let list = WordList(left.map(\.name))
        throw CheckpointTokenError(
          "the token",
          expected: isTwice ? "each at most once" : list.expectation(for: String(name)),
          found: "'\(name)'" + (isTwice ? " twice" : ""))
      }
      let word = left.remove(at: position)
      guard word.read(&draft, String(value)) else {
        throw CheckpointTokenError(
          "'\(name)' in the token",
          expected: word.values.isEmpty
            ? "a value as tokens have it" : WordList(word.values).expectation(for: String(value)),
          found: "'\(value)'")
      }
    }
    self = try draft.made()
  }

  private static func parts(
    _ token: String
  ) throws(CheckpointTokenError) -> (name: String, native: String?, words: [Substring]) {
    guard token.hasPrefix(tokenPrefix), token.utf8.count <= mostTokenBytes else {
      throw CheckpointTokenError(
        "the token",
        expected: "text that begins with '\(tokenPrefix)', of at most \(mostTokenBytes) bytes",
        found: "'\(token.prefix(24))', \(token.utf8.count) bytes")
    }
    let fields = token.dropFirst(tokenPrefix.count).split(
      separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let names = fields[0].split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    let words = fields.count > 1 ? fields[1].split(separator: ",") : []
    return (String(names[0]), names.count > 1 ? String(names[1]) : nil, words)
  }

  private static func layout(
    _ name: String, _ native: String?, _ own: Layout?
  ) throws(CheckpointTokenError) -> Layout {
    if let own, own.name == name, own.native == native ?? own.natives[0] { return own }
    do {
      return try Layout.named(name, native: native)
    } catch {
      throw CheckpointTokenError(
        CheckpointTokenError.layout, expected: error.expected, found: error.found)
    }
  }
}

/// What a text says of a checkpoint so far.
struct TokenDraft {
  var spec: CheckpointSpec
  var config: ConfigDraft
  let kinds: [CheckpointFaultKind]

  init(_ spec: CheckpointSpec, _ kinds: [CheckpointFaultKind]) {
    self.spec = spec
    self.spec.faults = FaultList.plain(kinds)
    config = ConfigDraft(spec.config)
    self.kinds = kinds
  }

  /// The checkpoint, if its values go together.
  func made() throws(CheckpointTokenError) -> CheckpointSpec {
    var spec = spec
    do {
      spec.setup.config = try config.made()
    } catch {
      throw CheckpointTokenError(
        "'\(error.field)' in the token", expected: error.expected, found: error.found)
    }
    if let conflict = spec.conflict {
      throw CheckpointTokenError("the token", expected: conflict.expected, found: conflict.found)
    }
    return spec
  }
}

extension CheckpointSpec {
  /// The most bytes of a checkpoint that is made from a text.
  private static let mostBytes = 1 << 33
  /// The most experts in all layers of a checkpoint that is made from a text.
  private static let mostExperts = 1 << 16

  /// Why no such checkpoint can be made or checked, or nil if it can.
  fileprivate var conflict: (expected: String, found: String)? {
    let layout = config.layout
    guard layout.canState(config.layerKinds) else {
      return ("layers as a config of layout \(layout.name) can state them", "others")
    }
    let space = CheckpointSpace(config: config)
    let (values, domains) = (AxisValues(self), AxisDomains(space))
    for axis in ConfigAxis.allCases {
      guard let value = values[axis] else {
        // Counts of experts that are not drawn, and the types of configs that are given.
        if axis == .experts || axis == .otherDType && types.others == config.dtype { continue }
        return ("\(axis.name): \(axis.values.joined(separator: ", "))", "something else")
      }
      if !domains.contains(UInt8(value), axis) {
        return ("a checkpoint of layout \(layout.name)", "\(axis.name) \(axis.values[value])")
      }
    }
    if let reason = AxisFeasibility(space).conflict(values.assignment) {
      return ("values that go together", reason)
    }
    let isInside =
      switch exclusion {
      case .layer(let layer): layer < config.storedLayerCount
      case .expert(let expert): expert < config.expertCount
      case .projection(let part): layout.expertParts.contains(part)
      default: true
      }
    guard isInside else { return ("an exclusion of what there is", exclusion.tokenText) }
    if let lora, !(1...1024).contains(lora.rank) {
      return ("a LoRA rank from 1 to 1024", "\(lora.rank)")
    }
    if case .sharded(let count) = keyOrder, !(1...1024).contains(count) {
      return ("1 to 1024 shards", "\(count)")
    }
    let experts = config.expertCount * config.storedLayerCount
    guard experts <= Self.mostExperts else {
      return ("at most \(Self.mostExperts) experts in all layers", "\(experts)")
    }
    var total = 0
    for info in Checkpoint(self).schema {
      guard let size = try? info.shape.byteCount(of: info.dtype), size <= Self.mostBytes - total
      else { return ("tensors of at most \(Self.mostBytes) bytes together", "more") }
      total += size
    }
    return nil
  }
}

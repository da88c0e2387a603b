// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// A fused LoRA factor as PEFT's ParamWrapper writes it.
struct FusedFactor {
  let source: Int
  let prefix: String
  let layer: Int
  /// The position among the layout's entries of factors.
  let lora: Int
  let isA: Bool

  /// Whether another is the other factor of the same parameter.
  func isPartner(of other: FusedFactor) -> Bool {
    prefix == other.prefix && layer == other.layer && lora == other.lora && isA != other.isA
  }
}

/// Fused LoRA factors, how they are laid out and where they go.
///
/// Source: nemo-automodel 0.7.0 resolves the layout once for all keys, from metadata or from the
/// shapes that fit one layout only.
extension PlanBuilder {
  /// Adds the native groups of factors.
  mutating func add(_ keys: [FusedFactor]) {
    guard !keys.isEmpty else { return }
    checkPairs(keys)
    guard let layout = paramWrapperLayout(of: keys) else { return }
    for key in keys { add(key, layout) }
  }

  private mutating func add(_ key: FusedFactor, _ layout: ParamWrapperLayout) {
    let info = sources[key.source]
    guard let (group, view) = conversion(of: key, layout, info) else { return }
    // The axis of the view along each native axis `[experts, columns, rows]`.
    let (expert, features) = key.isA ? (0, 2) : (2, 0)
    let permutation = group.columns == nil ? [expert, 1, features] : [expert, features, 1]
    let extents = permutation.map { view[$0] }
    // A view has the element count of its tensor, so its shape cannot overflow.
    guard let shape = try? Shape(extents) else { return }
    let name = context.layout.toNative(
      context.name(key.prefix, layer: key.layer, group.native))
    let destination = add(TensorInfo(name, info.dtype, shape), from: key.source)
    add(
      TensorMove(
        source: key.source, Region(whole: view), destination: destination,
        Region(whole: extents), permutation: permutation))
  }

  /// The rank of a factor under either layout, or nil if its shape has none.
  private func rank(of key: FusedFactor, _ shape: Shape) -> Int? {
    guard shape.rank == 2 else { return nil }
    let fused = shape[key.isA ? 0 : 1]
    let experts = context.config.expertCount
    return fused > 0 && fused.isMultiple(of: experts) ? fused / experts : nil
  }

  /// The native group that a key becomes under one layout, and the tensor on disk seen as
  /// `[experts, rank, features]` (A) or `[features, rank, experts]` (B); nil where its shape does not
  /// fit.
  private func conversion(
    of key: FusedFactor, _ layout: ParamWrapperLayout, _ info: TensorInfo
  ) -> (group: FactorGroup, view: [Int])? {
    let becomesA = key.isA == (layout == .modern)
    guard let rank = rank(of: key, info.shape),
      let group = context.factors.first(where: { $0.lora == key.lora && $0.isA == becomesA })
    else { return nil }
    let experts = context.config.expertCount
    let features = info.shape[key.isA ? 1 : 0]
    guard features == group.features else { return nil }
    return (group, key.isA ? [experts, rank, features] : [features, rank, experts])
  }

  /// The layout of all keys, or nil if it is reported why there is none.
  private mutating func paramWrapperLayout(of keys: [FusedFactor]) -> ParamWrapperLayout? {
    let infos = keys.map { sources[$0.source] }
    let fitting = zip(keys, infos).map { key, info in
      ParamWrapperLayout.allCases.filter { conversion(of: key, $0, info) != nil }
    }
    for (info, layouts) in zip(infos, fitting) where layouts.isEmpty {
      report(
        .wrongShape, info.name,
        expected: "[rank x \(context.config.expertCount), features] or its mirror, with the "
          + "features of the config", found: "\(info.shape)")
    }
    let votes = Set(fitting.filter { $0.count == 1 }.joined())
    let hint = context.options.paramWrapperLayout
    if votes.count <= 1, let layout = hint ?? votes.first, votes.isSubset(of: [layout]) {
      return layout
    }
    let expected =
      hint.map { "the stated layout \($0.rawValue)" }
      ?? (votes.isEmpty ? "a stated layout" : "one layout for all keys")
    for (info, layouts) in zip(infos, fitting) where !layouts.isEmpty {
      // A shape that fits both layouts is at fault only where nothing decides between them.
      guard hint.map({ !layouts.contains($0) }) ?? (votes.isEmpty || layouts.count == 1) else {
        continue
      }
      report(
        .ambiguousLoRALayout, info.name, expected: expected,
        found: "a shape that fits " + layouts.map(\.rawValue).joined(separator: " and "))
    }
    return nil
  }

  /// Both factors of a parameter must be there, with one rank and type.
  private mutating func checkPairs(_ keys: [FusedFactor]) {
    for key in keys {
      let info = sources[key.source]
      guard let partner = keys.first(where: { $0.isPartner(of: key) }) else {
        report(
          .incompleteLoRA, info.name, expected: "its \(key.isA ? "B" : "A") factor",
          found: "no such key")
        continue
      }
      let other = sources[partner.source]
      if key.isA, let own = rank(of: key, info.shape),
        let others = rank(of: partner, other.shape), own != others
      {
        report(
          .wrongShape, info.name, expected: "rank \(others) as in '\(other.name)'",
          found: "rank \(own)")
      }
      if key.isA, other.dtype != info.dtype {
        report(
          .wrongDType, info.name, expected: "\(other.dtype) as in '\(other.name)'",
          found: "\(info.dtype)")
      }
    }
  }
}

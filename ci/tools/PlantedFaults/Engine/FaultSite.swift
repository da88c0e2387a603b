// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// Which tensors a fault is about, by what they are in a layout.
struct FaultSite: Sendable {
  /// What keys of a tensor count.
  private enum Aspect {
    /// The tensor on disk, its native name, or the group that it is a part of.
    case tensor
    /// What accompanies it.
    case companion
    /// Its low-rank factors, A, B or both, on disk and in native form.
    case factor(isA: Bool?)
    /// Factors on disk that are fused.
    case fused(isA: Bool?)
    /// All keys of experts, known or not.
    case anything
  }

  /// The tensors in words, such as `router bias`.
  let words: String
  private let aspect: Aspect
  private let includes: @Sendable (TensorRule, Layout) -> Bool
  /// Whether reports call the tensors by their native names.
  private var isNative = false

  private init(
    _ words: String, _ aspect: Aspect = .tensor,
    _ includes: @escaping @Sendable (TensorRule, Layout) -> Bool
  ) {
    self.words = words
    self.aspect = aspect
    self.includes = includes
  }

  /// The tensors of a layout, by position, whose keys of this aspect count.
  func positions(in layout: Layout) -> [Int] {
    layout.tensors.indices.filter { includes(layout.tensors[$0], layout) }
  }

  /// The tensors of a layout whose keys of this aspect count.
  func rules(in layout: Layout) -> [TensorRule] { positions(in: layout).map { layout.tensors[$0] } }

  /// The same in native form.
  var native: FaultSite {
    var site = self
    site.isNative = true
    return site
  }

  /// What reports call the tensors of a layout, each as often as there are some.
  func classes(in layout: Layout) -> [String] {
    positions(in: layout).flatMap { position -> [String] in
      let rule = layout.tensors[position]
      switch aspect {
      case .tensor, .anything:
        return [isNative && !rule.isRenamed ? layout.nativeName(of: rule).lastComponent : rule.word]
      case .companion: return layout.companions.prefix(1).map { "\(rule.word) \($0)" }
      case .factor(let side), .fused(let side):
        let name = isNative ? layout.nativeFactor(of: position) + "_" : "\(rule.word) lora_"
        return [true, false].filter { side ?? $0 == $0 }.map { name + ($0 ? "A" : "B") }
      }
    }
  }

  /// Whether it is about low-rank factors.
  var isOfFactors: Bool {
    switch aspect {
    case .factor, .fused: true
    default: false
    }
  }

  /// Whether a key is of this site.
  func contains(_ key: LenientKey, in layout: Layout) -> Bool {
    func holds(_ tensor: Int) -> Bool { includes(layout.tensors[tensor], layout) }
    func holdsPart(_ group: Int) -> Bool {
      layout.groups[group].parts.contains { holds($0) }
    }
    switch (aspect, key.subject) {
    case (.tensor, .tensor(let tensor)), (.tensor, .renamed(let tensor)),
      (.companion, .companion(let tensor, _)):
      return holds(tensor)
    case (.tensor, .group(let group)):
      return holdsPart(group)
    case (.factor(let side), .factor(let tensor, let isA)):
      return side ?? isA == isA && holds(tensor)
    case (.factor(let side), .groupFactor(let lora, let isA)),
      (.factor(let side), .fusedFactor(let lora, let isA)),
      (.fused(let side), .fusedFactor(let lora, let isA)):
      return side ?? isA == isA && holdsPart(layout.lora[lora].group)
    case (.anything, .group), (.anything, .groupFactor), (.anything, .fusedFactor): return true
    case (.anything, .unknown): return key.expertText != nil
    case (.anything, _): return key.tensor.map(holds) ?? false
    default: return false
    }
  }
}

extension FaultSite {
  private static func role(_ role: TensorRole) -> FaultSite {
    FaultSite(role.rawValue) { rule, _ in rule.role == role }
  }

  static let router = FaultSite("router") { rule, _ in rule.role == .router && rule.axes.count > 1 }
  static let routerBias = FaultSite("router bias") { rule, _ in
    rule.role == .routerBias || rule.role == .router && rule.axes.count == 1
  }
  static let shared = role(.sharedExpert)
  static let sharedGate = part("shared gate", of: .sharedExpert, at: 0)
  static let sharedUp = part("shared up", of: .sharedExpert, at: 1)
  static let sharedHalves = FaultSite("shared halves") { rule, layout in
    [sharedGate, sharedUp].contains { $0.includes(rule, layout) }
  }
  static let sharedDown = part("shared down", of: .sharedExpert, at: 2)
  static let besideExperts = FaultSite("beside experts") { rule, _ in !rule.isOfExperts }
  static let renamedRouting = FaultSite("renamed routing") { rule, _ in
    rule.isRenamed && [.router, .routerBias].contains(rule.role)
  }

  /// Weights of experts: on disk, and the groups or renamed tensors that they become.
  static let experts = FaultSite("experts") { rule, _ in rule.isExpertWeight }
  static let gate = parts("gate", .gate)
  static let up = parts("up", .up)
  static let down = parts("down", .down)
  /// Weights of experts that share their native tensor with no other part.
  static let wholeGroups = parts("whole groups", .gateAndUp, .down)
  static let halves = parts("halves", .gate, .up)
  /// Whatever is not down.
  static let gateAndUp = parts("gate and up", .gate, .up, .gateAndUp)
  /// Everything of experts, factors, companions and keys that no rule knows included.
  static let allOfExperts = FaultSite("all of experts", .anything) { rule, _ in rule.isOfExperts }
  static let companions = FaultSite("companions", .companion) { rule, _ in rule.isOfExperts }

  static let factors = FaultSite("factors", .factor(isA: nil)) { rule, _ in rule.isOfExperts }
  static let fused = FaultSite("fused factors", .fused(isA: nil)) { rule, _ in rule.isOfExperts }
  static let downFactors = down.factors(isA: nil)

  /// The low-rank factors of the site.
  func factors(isA: Bool?) -> FaultSite {
    FaultSite("\(words) factors", .factor(isA: isA), includes)
  }

  /// Factor B of gate and up.
  static let secondFactor = gateAndUp.factors(isA: false)

  /// Fused factors.
  static func fused(isA: Bool) -> FaultSite {
    FaultSite("fused factors", .fused(isA: isA)) { rule, _ in rule.isOfExperts }
  }

  static let embedding = FaultSite("embedding") { rule, _ in
    rule.role == .embedding && rule.kinds == nil
  }
  static let head = FaultSite("head") { rule, _ in rule.role == .head && rule.kinds == nil }
  /// What stands outside layers.
  static let outside = FaultSite("outside") { rule, _ in rule.kinds == nil }
  static let norms = FaultSite("norms") { rule, _ in
    [.norm, .predictionNorm].contains(rule.role)
  }
  static let finalNorm = FaultSite("final norm") { rule, _ in
    rule.role == .norm && rule.kinds == nil
  }
  /// Norms of the hidden state within all layers.
  static let layerNorms = FaultSite("norms of layers") { rule, layout in
    rule.role == .norm && rule.kinds == .all && rule.isVector(.hidden, layout)
  }
  /// Norms of other widths within layers, such as those of queries and keys.
  static let innerNorms = FaultSite("inner norms") { rule, layout in
    rule.role == .norm && rule.kinds != nil && !rule.isVector(.hidden, layout)
  }
  /// The two matrices of attention that have one shape: keys' and values'.
  static let keyAndValue = FaultSite("matrices of one shape") { rule, layout in
    rule.isAttentionMatrix
      && layout.tensors.count { $0.isAttentionMatrix && $0.axes == rule.axes } == 2
  }
  /// The matrix that leads from attention back to the hidden state.
  static let output = FaultSite("output") { rule, layout in
    rule.isAttentionMatrix && rule.axes[0].extent.singleSize == layout.position(of: .hidden)
  }
  /// Biases of projections.
  static let biases = FaultSite("biases") { rule, _ in
    [.attention, .dense, .sharedExpert].contains(rule.role) && rule.isBias
  }
  static let attentionBiases = FaultSite("attention biases") { rule, _ in
    rule.role == .attention && rule.isBias
  }
  /// What joins the two inputs of a prediction layer.
  static let prediction = role(.prediction)
  static let lastPredictionNorm = FaultSite("last prediction norm") { rule, layout in
    layout.tensors.last { $0.role == .predictionNorm } == rule
  }
  static let inputNorms = FaultSite("input norms") { rule, layout in
    layout.tensors.filter { $0.role == .predictionNorm }.prefix(2).contains(rule)
  }
  /// What has the same element type in every checkpoint.
  static let typed = FaultSite("typed") { rule, layout in
    rule.dtype != nil && rule.isPlain(in: layout)
  }
  /// All that a plain checkpoint stores.
  static let stored = FaultSite("stored") { rule, layout in
    rule.kinds?.contains(.sparse) != false && rule.isPlain(in: layout)
  }

  private static func parts(_ words: String, _ parts: ExpertPart...) -> FaultSite {
    FaultSite(words) { rule, _ in
      rule.isExpertWeight && rule.part.map(parts.contains) ?? false
    }
  }

  private static func part(_ words: String, of role: TensorRole, at place: Int) -> FaultSite {
    FaultSite(words) { rule, layout in
      let weights = layout.tensors.filter { $0.role == role && $0.axes.count == 2 }
      return weights.indices.contains(place) && weights[place] == rule
    }
  }

  /// The sites that texts name.
  static let named: [String: FaultSite] = Dictionary(
    uniqueKeysWithValues: [
      router, routerBias, experts, gate, up, down, gateAndUp, embedding, head, finalNorm,
      layerNorms, innerNorms, keyAndValue, output, prediction, lastPredictionNorm, inputNorms,
    ].map { ($0.words, $0) })
}

extension TensorRule {
  /// Whether it has another name and the same elements in native form.
  var isRenamed: Bool {
    if case .renamed = native { true } else { false }
  }

  /// Whether it is a matrix of an expert, or all of them.
  var isExpertWeight: Bool { part != nil && axes.count == (name.hasExpert ? 2 : 3) }

  var isAttentionMatrix: Bool { role == .attention && axes.count == 2 }

  var isBias: Bool { axes.count == 1 && name.start.hasSuffix(".bias") }

  /// Whether it has one axis, whose extent is a size.
  func isVector(_ symbol: SizeSymbol, _ layout: Layout) -> Bool {
    axes.count == 1 && axes[0].extent.singleSize == layout.position(of: symbol)
  }

  /// Whether checkpoints have it whose flags are the usual ones and whose sizes are the least.
  func isPlain(in layout: Layout) -> Bool {
    let sizes = layout.sizes.map { $0.source == .gated ? 1 : $0.least }
    return isPresent(
      LayoutValues(sizes: sizes, flags: layout.flags.map(\.fallback), layer: kinds.map { _ in 0 }))
  }
}

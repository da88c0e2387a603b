// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
public import Layouts
public import Tensors

/// How one state dict differs from what it should be.
public struct Mismatch: Sendable {
  /// The first position at which the keys are in another order.
  public struct OrderMismatch: Sendable, Hashable {
    /// The position, from zero.
    public let position: Int
    /// The key that should be there.
    public let expected: TensorName
    /// The key that is there.
    public let found: TensorName
  }

  /// Keys that should be there and are not, in the expected order.
  public let missing: [TensorName]
  /// Keys that are there and should not be, in the order found.
  public let surplus: [TensorName]
  /// Where the order is another, if the keys are the right ones.
  public let order: OrderMismatch?
  /// The tensors on both sides that differ, in the expected order.
  public let tensors: [TensorMismatch]

  /// Compares two state dicts; gives nil if they are equal.
  ///
  /// - Parameters:
  ///   - ordered: Whether the order of the keys matters.
  ///   - castTensors: Tensors in which any NaN will do where one is expected.
  /// - Complexity: O(bytes) if they are equal.
  public init?(
    expected: StateDict, found: StateDict, ordered: Bool = true,
    castTensors: Set<TensorName> = []
  ) {
    if Self.areEqual(expected, found, ordered: ordered) { return nil }
    missing = expected.names.filter { found[$0] == nil }
    surplus = found.names.filter { expected[$0] == nil }
    order =
      ordered && missing.isEmpty && surplus.isEmpty
      ? Self.firstExchange(expected, found) : nil
    tensors = expected.compactMap { name, tensor in
      found[name].flatMap {
        TensorMismatch(name, expected: tensor, found: $0, isCast: castTensors.contains(name))
      }
    }
    if missing.isEmpty, surplus.isEmpty, order == nil, tensors.isEmpty { return nil }
  }

  /// Whether nothing differs, found out with one search for each tensor.
  private static func areEqual(_ expected: StateDict, _ found: StateDict, ordered: Bool) -> Bool {
    guard expected.count == found.count else { return false }
    if ordered { return expected == found }
    return expected.allSatisfy { name, tensor in found[name].map { $0 == tensor } ?? false }
  }

  private init(
    missing: [TensorName] = [], surplus: [TensorName] = [], order: OrderMismatch? = nil,
    tensors: [TensorMismatch] = []
  ) {
    self.missing = missing
    self.surplus = surplus
    self.order = order
    self.tensors = tensors
  }

  /// The part that is about keys, nil if the keys are the right ones.
  var ofKeys: Mismatch? {
    missing.isEmpty && surplus.isEmpty ? nil : Mismatch(missing: missing, surplus: surplus)
  }

  /// The part that is about the order of keys, nil if that is right.
  var ofOrder: Mismatch? {
    order.map { Mismatch(order: $0) }
  }

  /// The part that is about some tensors, nil if none of them differs.
  func ofTensors(where isIncluded: (TensorMismatch) -> Bool) -> Mismatch? {
    let included = tensors.filter(isIncluded)
    return included.isEmpty ? nil : Mismatch(tensors: included)
  }

  private static func firstExchange(_ expected: StateDict, _ found: StateDict) -> OrderMismatch? {
    let names = zip(expected.names, found.names).enumerated().first { $0.element.0 != $0.element.1 }
    return names.map {
      OrderMismatch(position: $0.offset, expected: $0.element.0, found: $0.element.1)
    }
  }

  /// The way the two differ, which stays the same while a failure is shrunk.
  public var kind: Violation.Kind {
    switch (missing.isEmpty, surplus.isEmpty) {
    case (false, false): .wrongKey
    case (false, true): .missingKey
    case (true, false): .surplusKey
    case (true, true): mostSerious?.kind.ofViolation ?? .keyOrder
    }
  }

  /// What of the model the tensors hold that differ; the same on disk and in native form, and in
  /// whatever order the keys come, so that both can become simpler.
  public func place(in layout: Layout) -> String {
    let worst = mostSerious?.kind
    let names = [missing, surplus, tensors.filter { $0.kind == worst }.map(\.name)]
      .first { !$0.isEmpty }
    let classes = Set((names ?? []).map { TensorClass.of($0, layout) })
    return TensorClass.allCases.first { classes.contains($0) }?.rawValue ?? ""
  }

  /// The first of the tensors that differ in the most serious way.
  public var mostSerious: TensorMismatch? {
    for kind in TensorMismatch.Kind.allCases {
      if let tensor = tensors.first(where: { $0.kind == kind }) { return tensor }
    }
    return nil
  }
}

extension CheckpointUnderTest {
  /// Throws if two state dicts that a law wants equal are not.
  ///
  /// - Parameters:
  ///   - ordered: Whether the order of the keys matters.
  ///   - castTensors: Tensors in which any NaN will do where one is expected.
  func require(
    _ found: StateDict, equals expected: StateDict, ordered: Bool = true,
    castTensors: Set<TensorName> = [], _ step: ConversionStep
  ) throws(Violation) {
    guard
      let mismatch = Mismatch(
        expected: expected, found: found, ordered: ordered, castTensors: castTensors)
    else { return }
    throw Violation(
      mismatch, step, .init(expected: expected, found: found, castTensors: castTensors),
      spec.config.layout)
  }
}

extension Violation {
  /// A violation by a result that is not what it should be.
  init(
    _ mismatch: Mismatch, _ step: ConversionStep, _ evidence: Evidence, _ layout: Layout
  ) {
    self.init(
      mismatch.kind, place: mismatch.place(in: layout), step: step, evidence: evidence,
      mismatch.summary)
  }
}

/// What a tensor is in the model, the same on disk and in native form, whether each expert has its own
/// or all share one.
public enum TensorClass: String, Sendable, Hashable, CaseIterable {
  /// Gate and up of experts.
  case gateAndUp = "gate and up"
  /// Down of experts.
  case down
  /// A tensor beside a weight, such as its scale.
  case companion = "scale"
  /// The factor `[.., in, r]`.
  case loraA = "LoRA A"
  /// The factor `[.., r, out]`.
  case loraB = "LoRA B"
  /// A router's bias for each expert.
  case routerBias = "expert bias"
  /// A router's weight.
  case router
  /// The projections of shared experts.
  case sharedExpert = "shared expert"
  /// The projections of dense layers.
  case dense
  /// The projections of attention.
  case attention
  /// Norms.
  case norm
  /// What only prediction layers have.
  case prediction
  /// The embedding.
  case embedding
  /// The head.
  case head
  /// All else.
  case other

  /// The class of a tensor by its name.
  public static func of(_ name: TensorName, _ layout: Layout) -> TensorClass {
    of(LenientKey(name, layout).subject, layout)
  }

  /// The class of what a key is about.
  static func of(_ subject: LenientKey.Subject, _ layout: Layout) -> TensorClass {
    switch subject {
    case .tensor(let tensor), .renamed(let tensor): TensorClass(layout.tensors[tensor])
    case .group(let group): TensorClass(layout.tensors[layout.groups[group].parts[0]])
    case .companion: .companion
    case .factor(_, let isA), .groupFactor(_, let isA), .fusedFactor(_, let isA):
      isA ? .loraA : .loraB
    case .unknown: .other
    }
  }

  private init(_ rule: TensorRule) {
    switch rule.role {
    case .expert: self = rule.part == .down ? .down : .gateAndUp
    case .router: self = .router
    case .routerBias: self = .routerBias
    case .sharedExpert: self = .sharedExpert
    case .dense: self = .dense
    case .attention: self = .attention
    case .norm, .predictionNorm: self = .norm
    case .prediction: self = .prediction
    case .embedding: self = .embedding
    case .head: self = .head
    case .other: self = .other
    }
  }
}

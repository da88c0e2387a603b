// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Layouts
public import Tensors

/// What a tensor is in the model, the same on disk and in native form, whether each expert has its own
/// or all share one.
public enum TensorClass: String, Sendable, Hashable, CaseIterable {
  case gateAndUp = "gate and up"
  case down
  case companion = "scale"
  case loraA = "LoRA A"
  case loraB = "LoRA B"
  case routerBias = "expert bias"
  case router
  case sharedExpert = "shared expert"
  case dense
  case attention
  case norm
  case prediction
  case embedding
  case head
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

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Layouts
public import Tensors

/// What the keys of a checkpoint start with.
public enum ModelPrefix: String, Sendable, Hashable, CaseIterable {
  /// The layout's usual prefix, which is `model.` of most.
  case model = "model."
  /// Names begin with those of the layers.
  case none = ""
  /// A model with a language model in it.
  case languageModel = "language_model."
  /// The same, in a module of its own.
  case modelLanguageModel = "model.language_model."

  /// What keys of a layout start with.
  public func text(in layout: Layout) -> String {
    self == .model ? layout.prefixes[0] : rawValue
  }
}

/// What happens to the keys of multi-token prediction layers when a checkpoint is loaded.
public enum MTPPolicy: String, Sendable, Hashable, CaseIterable {
  /// They leave, as upstream does: the trained model has no such layers.
  case drop
  /// They are converted like the decoder layers, so that they survive a round trip.
  case preserve
}

/// The activation of the experts, which decides whether they have gate projections.
public enum ExpertActivation: String, Sendable, Hashable, CaseIterable {
  /// SwiGLU, with a gate.
  case swiglu
  /// SwiGLU as gpt-oss has it, with a gate.
  case swigluoai
  /// GEGLU with the quick approximation, with a gate.
  case quickGEGLU = "quick_geglu"
  /// GEGLU, with a gate.
  case geglu
  /// The square of ReLU, without a gate.
  case relu2

  /// Whether experts have a gate projection beside the up projection.
  public var isGated: Bool { self != .relu2 }
}

/// Which tensors a state dict must hold to be accepted.
public enum Completeness: String, Sendable, Hashable, CaseIterable {
  /// Every tensor of the config's schema; state dicts of nothing but LoRA factors are exempt.
  case wholeModel
  /// Whole expert groups only: a group that has any tensor has all.
  case presentGroups
}

/// How PEFT laid out the two factors of a grouped expert parameter; 0.19.1 exchanged them.
public enum ParamWrapperLayout: String, Sendable, Hashable, CaseIterable {
  /// PEFT 0.19.1 and later.
  case modern = "peft-0.19.1"
  /// PEFT 0.18 and earlier.
  case legacy = "peft-0.18"
}

/// What an adapter does where a checkpoint leaves a choice.
public struct AdapterOptions: Sendable, Hashable {
  /// The element type of grouped experts; nothing else is ever cast.
  public var targetDType: DType
  /// The activation of the experts.
  public var activation: ExpertActivation
  /// What stands before `layers.` in base keys, on disk and in native form.
  public var prefix: ModelPrefix
  /// What happens to multi-token prediction layers on load.
  public var mtpPolicy: MTPPolicy
  /// Which tensors must be there.
  public var completeness: Completeness
  /// The layout that a LoRA file's metadata states, needed where shapes fit both.
  public var paramWrapperLayout: ParamWrapperLayout?

  /// Creates options; the defaults are upstream's.
  public init(
    targetDType: DType = .bf16, activation: ExpertActivation = .swiglu,
    prefix: ModelPrefix = .model, mtpPolicy: MTPPolicy = .drop,
    completeness: Completeness = .wholeModel, paramWrapperLayout: ParamWrapperLayout? = nil
  ) {
    self.targetDType = targetDType
    self.activation = activation
    self.prefix = prefix
    self.mtpPolicy = mtpPolicy
    self.completeness = completeness
    self.paramWrapperLayout = paramWrapperLayout
  }
}

/// One rank of an expert-parallel group, owning a contiguous range of experts.
public struct ExpertParallelism: Sendable, Hashable {
  /// The position in the group, from zero.
  public let rank: Int
  /// The number of ranks.
  public let size: Int

  /// Creates a rank of a group.
  ///
  /// - Throws: `AdapterError` if the size is not positive or the rank is not below it.
  public init(rank: Int, size: Int) throws(AdapterError) {
    guard size > 0, rank >= 0, rank < size else {
      throw AdapterError([
        Problem(
          .invalidOption, "expert parallelism", expected: "0 <= rank < size",
          found: "rank \(rank), size \(size)")
      ])
    }
    self.rank = rank
    self.size = size
  }

  /// The experts of this rank: the first `count % size` ranks own one more than the others.
  public func experts(of count: Int) -> Range<Int> {
    let (share, surplus) = count.quotientAndRemainder(dividingBy: size)
    let start = rank * share + min(rank, surplus)
    return start..<start + share + (rank < surplus ? 1 : 0)
  }
}

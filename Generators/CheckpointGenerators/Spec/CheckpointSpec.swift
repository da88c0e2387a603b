// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Adapters
public import Layouts
public import Tensors

/// The element types of a checkpoint's tensors by class.
public struct SourceTypes: Sendable, Hashable {
  /// The weights of routed experts.
  public var experts: DType
  /// The router's correction bias, where the layout gives it a type of its own.
  public var expertBias: DType
  /// All other tensors.
  public var others: DType
  /// Whether each FP8 expert weight has the layout's first companion, a scalar in bfloat16, beside it.
  public var hasScales: Bool

  /// Creates types; the defaults are those of the published checkpoints.
  public init(
    experts: DType = .bf16, expertBias: DType = .f32, others: DType = .bf16,
    hasScales: Bool = false
  ) {
    self.experts = experts
    self.expertBias = expertBias
    self.others = others
    self.hasScales = hasScales
  }
}

/// How low-rank factors of experts are stored.
public struct LoRASpec: Sendable, Hashable {
  /// The layouts on disk.
  public enum Layout: String, Sendable, Hashable, CaseIterable {
    /// One pair of factors for each expert and projection.
    case perExpert
    /// PEFT's fused factors from version 0.19.1 on.
    case paramWrapper
    /// PEFT's fused factors before that.
    case legacyParamWrapper
  }

  /// The layout on disk.
  public var layout: Layout
  /// The inner dimension of the two factors.
  public var rank: Int
  /// What stands before `layers.` in the factors' keys.
  public var prefix: String

  /// Creates a description of factors.
  public init(_ layout: Layout, rank: Int, prefix: String = "base_model.model.model.") {
    self.layout = layout
    self.rank = rank
    self.prefix = prefix
  }
}

/// Which tensors of a config a checkpoint holds.
public enum CheckpointScope: String, Sendable, Hashable, CaseIterable {
  /// All of them.
  case wholeModel
  /// The routed experts of every layer and nothing else.
  case expertsOnly
  /// Low-rank factors and nothing else.
  case loraOnly
}

/// Everything that a generated checkpoint follows from.
public struct CheckpointSpec: Sendable, Hashable {
  /// The adapter that the checkpoint is for.
  public var setup: AdapterSetup
  /// The element types on disk.
  public var types: SourceTypes
  /// Which tensors there are.
  public var extent: CheckpointScope
  /// Whether the config's multi-token prediction layers are in the checkpoint.
  public var storesMTP: Bool
  /// Low-rank factors of the experts, or nil for none.
  public var lora: LoRASpec?
  /// Tensors that no rule of the layout knows.
  public var bystanders: Bystanders
  /// The order of the keys.
  public var keyOrder: KeyOrder
  /// The rank that loads the checkpoint, or nil for a process that holds all experts.
  public var parallelism: ExpertParallelism?
  /// What is left out when saving.
  public var exclusion: Exclusion
  /// The elements.
  public var contents: TensorContents
  /// Decides what laws vary: permutations, splits, threads.
  public var variation: UInt64
  /// What is made wrong for the law about invalid input, by positions in the catalogue.
  public var faults: [CheckpointFault]

  /// Creates a description; the defaults are the plainest checkpoint of a setup.
  public init(
    _ setup: AdapterSetup, types: SourceTypes = SourceTypes(),
    extent: CheckpointScope = .wholeModel, storesMTP: Bool = true, lora: LoRASpec? = nil,
    keyOrder: KeyOrder = .schema, parallelism: ExpertParallelism? = nil,
    exclusion: Exclusion = .none, bystanders: Bystanders = .none, contents: TensorContents,
    variation: UInt64 = 0, faults: [CheckpointFault] = []
  ) {
    self.setup = setup
    self.types = types
    self.extent = extent
    self.storesMTP = storesMTP
    self.lora = lora
    self.keyOrder = keyOrder
    self.parallelism = parallelism
    self.exclusion = exclusion
    self.bystanders = bystanders
    self.contents = contents
    self.variation = variation
    self.faults = faults
  }

  /// The config.
  public var config: ModelConfig { setup.config }
  /// The adapter's options.
  public var options: AdapterOptions { setup.options }

  /// What the keys of the model start with.
  public var prefix: String { setup.prefix }
}

/// What an adapter is made for: the layout of a config, and options.
public struct AdapterSetup: Sendable, Hashable {
  /// The facts of the model's `config.json`.
  public var config: ModelConfig
  /// What the adapter does where a checkpoint leaves a choice.
  public var options: AdapterOptions

  /// Creates a setup.
  public init(_ config: ModelConfig, _ options: AdapterOptions) {
    self.config = config
    self.options = options
  }

  /// What the keys of the model start with.
  public var prefix: String { options.prefix.text(in: config.layout) }
}

/// One thing to be made wrong with a valid checkpoint.
public struct CheckpointFault: Sendable, Hashable {
  /// The position in the catalogue of faults.
  public var kind: Int
  /// Decides where the fault goes.
  public var site: UInt64

  /// Creates a fault.
  public init(kind: Int, site: UInt64) {
    self.kind = kind
    self.site = site
  }
}

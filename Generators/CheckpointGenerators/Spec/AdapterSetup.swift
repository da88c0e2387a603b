// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Adapters
public import Layouts

/// The adapter of one model family; both have one layout on disk.
public enum AdapterFamily: String, Sendable, Hashable, CaseIterable {
  case hyMT2 = "hy_mt2"
  case hyV3 = "hy_v3"
}

/// What an adapter is made for.
public struct AdapterSetup: Sendable, Hashable {
  /// The model family.
  public var family: AdapterFamily
  /// The facts of the model's `config.json`.
  public var config: ModelConfig
  /// What the adapter does where a checkpoint leaves a choice.
  public var options: AdapterOptions

  /// Creates a setup.
  public init(_ family: AdapterFamily, _ config: ModelConfig, _ options: AdapterOptions) {
    self.family = family
    self.config = config
    self.options = options
  }

  /// What the keys of the model start with.
  public var prefix: String { options.prefix.text(in: config.layout) }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Adapters
public import Layouts

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

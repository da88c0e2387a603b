// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Layouts
public import Tensors

/// Makes the plans of an adapter, from names, types and shapes alone.
public struct AdapterPlanner: Sendable {
  private let context: LayoutContext

  /// Creates a planner for a config.
  ///
  /// - Complexity: O(tensors of the config).
  public init(_ config: ModelConfig, _ options: AdapterOptions = AdapterOptions()) {
    context = LayoutContext(config, options)
  }

  /// The config.
  public var config: ModelConfig { context.config }

  /// The options.
  public var options: AdapterOptions { context.options }

  /// The tensors of a whole checkpoint on disk.
  public var schema: [TensorInfo] { context.schema }

  /// Plans the way from disk to native form.
  ///
  /// - Parameters:
  ///   - sources: The tensors on disk, in the order of the state dict, with distinct names.
  ///   - expertParallelism: The rank whose experts are wanted, or nil for all.
  /// - Throws: `AdapterError` naming every offending key.
  public func fromHF(
    _ sources: [TensorInfo], expertParallelism: ExpertParallelism? = nil
  ) throws(AdapterError) -> ConversionPlan {
    var planner = FromHFPlanner(context, sources, expertParallelism)
    return try planner.run()
  }

  /// Plans the way from native form to disk.
  ///
  /// - Parameters:
  ///   - sources: The native tensors, in the order of the state dict, with distinct names.
  ///   - exclusion: Removes the keys on disk that it matches.
  ///   - expertParallelism: The rank whose experts the grouped tensors hold, or nil for all.
  /// - Throws: `AdapterError` naming every offending key.
  public func toHF(
    _ sources: [TensorInfo], excluding exclusion: ExclusionPattern? = nil,
    expertParallelism: ExpertParallelism? = nil
  ) throws(AdapterError) -> ConversionPlan {
    var planner = ToHFPlanner(context, sources, expertParallelism, exclusion)
    return try planner.run()
  }

  /// Plans the way of one native tensor to disk, without asking for its companions.
  func toHF(
    streaming source: TensorInfo, excluding exclusion: ExclusionPattern?,
    expertParallelism: ExpertParallelism?
  ) throws(AdapterError) -> ConversionPlan {
    var planner = ToHFPlanner(context, [source], expertParallelism, exclusion)
    return try planner.run(isStreaming: true)
  }

  /// Whether a key belongs to a multi-token prediction layer.
  func isMTPKey(_ name: TensorName) -> Bool {
    context.key(name).map(context.isMTP) ?? false
  }
}

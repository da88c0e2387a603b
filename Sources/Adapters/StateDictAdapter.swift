// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Layouts
public import Tensors

/// Converts state dicts between a checkpoint's layout on disk and a model's native layout, which the
/// config's table states.
///
/// Both directions either return the whole result or throw an `AdapterError` that names every
/// offending key; nothing is dropped in silence. The order of keys is upstream's.
public struct StateDictAdapter: Sendable {
  /// Makes the adapter's plans.
  public let planner: AdapterPlanner

  /// Creates an adapter for a config.
  public init(config: ModelConfig, options: AdapterOptions = AdapterOptions()) {
    planner = AdapterPlanner(config, options)
  }

  /// Converts a checkpoint on disk to native form.
  ///
  /// Experts become the native groups of the layout, in the target type.
  ///
  /// - Parameters:
  ///   - stateDict: The tensors on disk, which stay as they are.
  ///   - expertParallelism: The rank whose experts are wanted, or nil for all.
  ///   - memory: Where large results take their memory from and leave it to, or nil for new memory.
  /// - Throws: `AdapterError` naming every offending key.
  /// - Complexity: O(elements of the experts); other tensors share their memory with the input.
  public func fromHF(
    _ stateDict: StateDict, expertParallelism: ExpertParallelism? = nil,
    memory: WarmMemory? = nil
  ) throws(AdapterError) -> StateDict {
    let plan = try planner.fromHF(stateDict.infos, expertParallelism: expertParallelism)
    return try PlanExecutor(plan, memory: memory).execute(stateDict.tensors)
  }

  /// Converts native form to a checkpoint on disk.
  ///
  /// - Parameters:
  ///   - stateDict: The native tensors, which stay as they are.
  ///   - excluding: A regular expression; keys on disk that it matches from their start on are
  ///     left out, as with Python's `re.match`. An empty one excludes nothing.
  ///   - expertParallelism: The rank whose experts the grouped tensors hold, or nil for all.
  ///   - memory: Where large results take their memory from and leave it to, or nil for new memory.
  /// - Throws: `AdapterError` naming every offending key.
  /// - Complexity: O(elements of the experts); other tensors share their memory with the input.
  public func toHF(
    _ stateDict: StateDict, excluding: String = "", expertParallelism: ExpertParallelism? = nil,
    memory: WarmMemory? = nil
  ) throws(AdapterError) -> StateDict {
    let plan = try planner.toHF(
      stateDict.infos, excluding: ExclusionPattern(excluding),
      expertParallelism: expertParallelism)
    return try PlanExecutor(plan, memory: memory).execute(stateDict.tensors)
  }

  /// Converts one native tensor to its tensors on disk, for saving without the whole state dict.
  ///
  /// - Parameters:
  ///   - name: The native key.
  ///   - tensor: The native tensor.
  ///   - excluding: A regular expression as for ``toHF(_:excluding:expertParallelism:)``.
  ///   - expertParallelism: The rank whose experts a grouped tensor holds, or nil for all.
  /// - Returns: The tensors on disk in the order in which `toHF` gives them.
  /// - Throws: `AdapterError` if the key or the shape is wrong.
  public func convertSingleTensorToHF(
    _ name: TensorName, _ tensor: Tensor, excluding: String = "",
    expertParallelism: ExpertParallelism? = nil
  ) throws(AdapterError) -> [(name: TensorName, tensor: Tensor)] {
    try convertSingleTensorToHF(
      name, tensor, excluding: ExclusionPattern(excluding), expertParallelism: expertParallelism)
  }

  /// Converts one native tensor to its tensors on disk, without those that a pattern made once matches.
  ///
  /// - Throws: `AdapterError` if the key or the shape is wrong.
  public func convertSingleTensorToHF(
    _ name: TensorName, _ tensor: Tensor, excluding: ExclusionPattern?,
    expertParallelism: ExpertParallelism? = nil
  ) throws(AdapterError) -> [(name: TensorName, tensor: Tensor)] {
    let plan = try planner.toHF(
      streaming: TensorInfo(name, tensor.dtype, tensor.shape), excluding: excluding,
      expertParallelism: expertParallelism)
    return Array(try PlanExecutor(plan).execute([tensor]))
  }

  /// Whether a key belongs to a multi-token prediction layer, one after the decoder layers.
  public func isMTPKey(_ name: TensorName) -> Bool {
    planner.key(name).map(planner.isMTP) ?? false
  }
}

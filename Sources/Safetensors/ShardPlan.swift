// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// Which tensors go into which file of a checkpoint folder.
public struct ShardPlan: Sendable, Hashable {
  /// A file and its tensors.
  public struct Shard: Sendable, Hashable {
    /// The name of the file in the folder.
    public let fileName: String
    /// The tensors, in any order.
    public let tensors: [TensorInfo]
    /// The `__metadata__` of the file.
    public let metadata: SafetensorsMetadata?

    /// Creates a shard.
    public init(
      _ fileName: String, _ tensors: [TensorInfo],
      metadata: SafetensorsMetadata? = ["format": "pt"]
    ) {
      self.fileName = fileName
      self.tensors = tensors
      self.metadata = metadata
    }
  }

  /// The shards; no two have the same file name or a tensor in common.
  public let shards: [Shard]

  /// Creates a plan from shards.
  ///
  /// - Throws: `SafetensorsError` if a file name is invalid or a name occurs twice.
  public init(_ shards: [Shard]) throws(SafetensorsError) {
    var files: Set<TensorName> = []
    var tensors: Set<TensorName> = []
    var repeated: [String] = []
    for shard in shards {
      try CheckpointFolder.checkShardName(shard.fileName, path: "shard plan")
      if !files.insert(TensorName(shard.fileName)).inserted { repeated.append(shard.fileName) }
      for info in shard.tensors where !tensors.insert(info.name).inserted {
        repeated.append(info.name.text)
      }
    }
    guard repeated.isEmpty else {
      throw SafetensorsError(
        .duplicateKey, path: "shard plan", keys: repeated, expected: "each name once",
        found: "it twice", remedy: "give each file and each tensor a name of its own")
    }
    self.shards = shards
  }

  /// Fills shards in the given order up to a size, by the rule of huggingface_hub (2.4.0).
  ///
  /// A tensor above the size is a shard of its own, which stands before the shard that is being
  /// filled. A single shard is named `model.safetensors`.
  ///
  /// - Parameter maxShardSize: The size of a shard's data in bytes, above 0.
  /// - Throws: `SafetensorsError` if the size is not positive or a name occurs twice.
  public static func greedy(
    _ infos: [TensorInfo], maxShardSize: Int
  ) throws(SafetensorsError) -> ShardPlan {
    guard maxShardSize > 0 else {
      throw SafetensorsError(
        .invalidByteSize, path: "shard plan", expected: "a shard size above 0",
        found: "\(maxShardSize)", remedy: "choose a size such as 5GB")
    }
    var shards: [[TensorInfo]] = []
    var current: [TensorInfo] = []
    var currentSize = 0
    for info in infos {
      let size = try info.byteCount(path: "shard plan")
      if size > maxShardSize {
        shards.append([info])
        continue
      }
      if currentSize > maxShardSize - size {
        shards.append(current)
        current = []
        currentSize = 0
      }
      current.append(info)
      currentSize += size
    }
    if !current.isEmpty || shards.isEmpty { shards.append(current) }
    guard shards.count > 1 else {
      return try ShardPlan([Shard(CheckpointFolder.singleFileName, shards[0])])
    }
    return try ShardPlan(
      shards.enumerated().map {
        Shard("model-\(padded($0 + 1))-of-\(padded(shards.count)).safetensors", $1)
      })
  }

  /// Assigns tensors as an index does; shards are sorted by file name.
  ///
  /// - Parameter metadata: The `__metadata__` of each file.
  /// - Throws: `SafetensorsError` naming all tensors that only one of both has.
  public init(
    _ infos: [TensorInfo], following index: CheckpointIndex,
    metadata: (_ fileName: String) -> SafetensorsMetadata? = { _ in ["format": "pt"] }
  ) throws(SafetensorsError) {
    var fileNames: [TensorName: String] = [:]
    for (name, fileName) in index.weightMap { fileNames[name] = fileName }
    let unlisted = infos.filter { fileNames[$0.name] == nil }
    guard unlisted.isEmpty else {
      throw SafetensorsError(
        .unlistedTensors, path: "shard plan", keys: unlisted.map(\.name.text),
        expected: "all tensors in the weight map", found: "others", remedy: "plan them anew")
    }
    let given = Set(infos.map(\.name))
    let missing = index.weightMap.filter { !given.contains($0.name) }
    guard missing.isEmpty else {
      throw SafetensorsError(
        .missingTensors, path: "shard plan", keys: missing.map(\.name.text),
        expected: "all tensors of the weight map", found: "fewer", remedy: "plan them anew")
    }
    let groups = Dictionary(grouping: infos) { TensorName(fileNames[$0.name] ?? "") }
    try self.init(
      groups.sorted { $0.key < $1.key }.map {
        Shard($0.key.text, $0.value, metadata: metadata($0.key.text))
      })
  }

  private static func padded(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 5 - digits.utf8.count)) + digits
  }
}

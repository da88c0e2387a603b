// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Safetensors
import StrictJSON
import Tensors

/// What a native folder remembers of the checkpoint it was made from, so that converting back can
/// write the same files.
struct ConversionRecord {
  static let fileName = "hymt2_conversion.json"
  private static let version = 2

  /// The index of the original, nil if it was a single file.
  private let index: CheckpointIndex?
  private let indexJSON: JSONValue
  /// The `__metadata__` of the original's shards by their names, those without any left out.
  private var shardMetadata: [String: SafetensorsMetadata] = [:]
  private var options: JSONValue = .null
  /// The rank whose experts the native folder holds, nil for all.
  private(set) var parallelism: ExpertParallelism?

  /// Records a checkpoint on disk.
  init(source folder: CheckpointFolder, _ rank: ExpertParallelism?, _ options: AdapterOptions) {
    index = folder.index
    indexJSON =
      folder.index.map { index in
        [
          "metadata": .object(index.metadata),
          "weight_map": .object(
            JSONObject(index.weightMap.map { ($0.name.text, .string($0.fileName)) })),
        ]
      } ?? .null
    for shard in folder.shards { shardMetadata[shard.name] = shard.file.metadata }
    self.options = [
      "dtype": .string(options.targetDType.rawValue),
      "activation": .string(options.activation.rawValue),
      "prefix": .string(options.prefix.rawValue), "mtp": .string(options.mtpPolicy.rawValue),
      "ep_rank": rank.map { JSONValue($0.rank) } ?? .null,
      "ep_size": rank.map { JSONValue($0.size) } ?? .null,
    ]
  }

  private init(_ json: JSONValue, path: String) throws {
    guard json["schemaVersion"]?.integerValue == Self.version else {
      throw CommandError(
        "\(path): expected schemaVersion \(Self.version); remove the file to do without it")
    }
    indexJSON = json["source_index"] ?? .null
    index = try Self.index(indexJSON, path: path)
    for (shard, pairs) in json["shard_metadata"]?.objectValue?.members ?? [] {
      var metadata: SafetensorsMetadata = [:]
      for (key, value) in pairs.objectValue?.members ?? [("", pairs)] {
        guard let text = value.stringValue else {
          throw CommandError(
            "\(path): expected strings in shard_metadata, found \(value.kind) at '\(shard)', '\(key)'"
          )
        }
        metadata[key] = text
      }
      shardMetadata[shard] = metadata
    }
    if let rank = json["options"]?["ep_rank"]?.integerValue,
      let size = json["options"]?["ep_size"]?.integerValue
    {
      parallelism = try ExpertParallelism(rank: Int(rank), size: Int(size))
    }
  }

  private static func index(_ json: JSONValue, path: String) throws -> CheckpointIndex? {
    guard json != .null else { return nil }
    let text = json.bytes(.compact)
    // Bytes have no padding that could be read uninitialized.
    return try CheckpointIndex(parsing: unsafe text.span.bytes, path: path)
  }

  /// The record of a native folder, or nil if it has none.
  ///
  /// - Throws: An error if there is one that cannot be understood.
  static func read(from folder: CheckpointFolder) throws -> ConversionRecord? {
    guard folder.otherFiles.contains(fileName) else { return nil }
    let path = "\(folder.path)/\(fileName)"
    let text = try TensorStorage.mapping(path)
    let json: JSONValue
    do {
      json = try JSONValue(parsing: text.bytes, acceptsNonFinite: true)
    } catch {
      throw CommandError("\(path): \(error); remove the file to do without it")
    }
    return try ConversionRecord(json, path: path)
  }

  /// The metadata of the original index.
  var indexMetadata: JSONObject? { index?.metadata }

  /// The original's files for its tensors.
  ///
  /// - Throws: `SafetensorsError` if the tensors are not the original's.
  func shardPlan(for infos: [TensorInfo]) throws -> ShardPlan {
    guard let index else {
      let name = CheckpointFolder.singleFileName
      return try ShardPlan([.init(name, infos, metadata: shardMetadata[name])])
    }
    return try ShardPlan(infos, following: index) { shardMetadata[$0] }
  }

  /// The text of the record.
  var json: [UInt8] {
    // The members are sorted when they are written.
    let metadata = JSONObject(
      shardMetadata.map { shard, metadata in
        (shard, .object(JSONObject(metadata.pairs.map { ($0.key, .string($0.value)) })))
      })
    let value: JSONValue = [
      "schemaVersion": JSONValue(Self.version), "tool": .string("hymt2 \(HyMT2.version)"),
      "options": options,
      "source_index": indexJSON, "shard_metadata": .object(metadata),
    ]
    return value.bytes(.python)
  }
}

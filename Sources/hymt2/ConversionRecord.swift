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

  /// The index of the original, nil if it was a single file.
  private let index: CheckpointIndex?
  private let indexJSON: JSONValue
  /// The `__metadata__` of the original's shards.
  let shardMetadata: SafetensorsMetadata?
  private var options: JSONValue = .null

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
    shardMetadata = folder.shards.first?.file.metadata
    self.options = [
      "dtype": .string(options.targetDType.rawValue),
      "activation": .string(options.activation.rawValue),
      "prefix": .string(options.prefix.rawValue), "mtp": .string(options.mtpPolicy.rawValue),
      "ep_rank": rank.map { JSONValue($0.rank) } ?? .null,
      "ep_size": rank.map { JSONValue($0.size) } ?? .null,
    ]
  }

  private init(_ json: JSONValue, path: String) throws {
    guard json["schemaVersion"]?.integerValue == 1 else {
      throw CommandError("\(path): expected schemaVersion 1; remove the file to do without it")
    }
    indexJSON = json["source_index"] ?? .null
    index = try Self.index(indexJSON, path: path)
    shardMetadata = try json["shard_metadata"]?.objectValue.map { object in
      var metadata: SafetensorsMetadata = [:]
      for (key, value) in object.members {
        guard let text = value.stringValue else {
          throw CommandError(
            "\(path): expected strings in shard_metadata, found \(value.kind) at '\(key)'")
        }
        metadata[key] = text
      }
      return metadata
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
      json = try JSONValue(parsing: text.bytes)
    } catch {
      throw CommandError("\(path): \(error); remove the file to do without it")
    }
    return try ConversionRecord(json, path: path)
  }

  /// Members of the original index beside the total size.
  var indexMetadata: JSONObject { index?.metadata ?? [:] }

  /// The original's files for its tensors.
  ///
  /// - Throws: `SafetensorsError` if the tensors are not the original's.
  func shardPlan(for infos: [TensorInfo]) throws -> ShardPlan {
    guard let index else {
      return try ShardPlan([.init(CheckpointFolder.singleFileName, infos)])
    }
    return try ShardPlan(infos, following: index)
  }

  /// The text of the record.
  var json: [UInt8] {
    let metadata: JSONValue =
      shardMetadata.map { metadata in
        .object(JSONObject(metadata.pairs.map { ($0.key, .string($0.value)) }))
      } ?? .null
    let value: JSONValue = [
      "schemaVersion": 1, "tool": .string("hymt2 \(HyMT2.version)"), "options": options,
      "source_index": indexJSON, "shard_metadata": metadata,
    ]
    return value.bytes(.python)
  }
}

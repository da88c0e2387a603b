// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import StrictJSON
public import Tensors

/// The `model.safetensors.index.json` of a sharded checkpoint.
public struct CheckpointIndex: Sendable {
  /// The `metadata` member, kept whole.
  public let metadata: JSONObject
  /// The size of all tensors in bytes by `metadata.total_size`, nil if that is absent.
  public let totalSize: Int?
  /// The shard of each tensor, in the order of the file.
  public let weightMap: [(name: TensorName, fileName: String)]

  static let totalSizeKey = "total_size"

  /// Parses an index.
  ///
  /// Members other than `metadata` and `weight_map` are ignored, as transformers does, which
  /// requires both.
  ///
  /// - Throws: `SafetensorsError`.
  public init(parsing text: RawSpan, path: String) throws(SafetensorsError) {
    var reader = JSONReader(text, acceptsNonFinite: true)
    do {
      (metadata, totalSize, weightMap) = try reader.readCheckpointIndex()
    } catch {
      throw SafetensorsError(
        error, path: path, textOffset: 0,
        remedy: "download the index again or have it written anew")
    }
    let invalid = Set(weightMap.map { TensorName($0.fileName) }).sorted().filter {
      !CheckpointFolder.isShardName($0.text)
    }
    guard invalid.isEmpty else {
      throw CheckpointFolder.invalidShardNames(invalid.map(\.text), path: path)
    }
  }

  /// Describes a plan.
  ///
  /// - Parameter metadata: The metadata of an index of these tensors, in which only a wrong `total_size` is
  ///   replaced; nil for `total_size` alone.
  /// - Throws: `SafetensorsError` if the total size overflows.
  public init(_ plan: ShardPlan, metadata: JSONObject? = nil) throws(SafetensorsError) {
    var total = 0
    for info in plan.shards.flatMap(\.tensors) {
      // A layout of each shard has checked the sizes; their sum may still overflow.
      let size = (try? info.shape.byteCount(of: info.dtype)) ?? .max
      let (sum, overflow) = total.addingReportingOverflow(size)
      guard !overflow else {
        throw SafetensorsError(
          .sizeOverflow, path: "checkpoint index", keys: [info.name.text],
          expected: "a total of at most \(Int.max) bytes", found: "more",
          remedy: "write fewer tensors")
      }
      total = sum
    }
    var metadata = metadata ?? [Self.totalSizeKey: JSONValue(total)]
    if let stated = metadata[Self.totalSizeKey], stated.wholeValue != total {
      metadata[Self.totalSizeKey] = JSONValue(total)
    }
    self.metadata = metadata
    totalSize = metadata[Self.totalSizeKey]?.wholeValue
    weightMap = plan.shards.flatMap { shard in
      shard.tensors.map { ($0.name, shard.fileName) }
    }
  }

  /// The names of all shards, sorted by UTF-8 bytes.
  public var shardNames: [String] {
    Set(weightMap.map { TensorName($0.fileName) }).sorted().map(\.text)
  }

  /// The index as transformers writes it, keys sorted.
  public var json: [UInt8] {
    let map = JSONObject(weightMap.map { ($0.name.text, .string($0.fileName)) })
    let value: JSONValue = ["metadata": .object(metadata), "weight_map": .object(map)]
    return value.bytes(.python)
  }
}

extension JSONReader {
  fileprivate mutating func readCheckpointIndex() throws(JSONError) -> (
    JSONObject, totalSize: Int?, [(name: TensorName, fileName: String)]
  ) {
    var metadata: JSONObject?
    var totalSize: Int?
    var weightMap: [(name: TensorName, fileName: String)]?
    try beginObject()
    while let key = try nextKey() {
      switch key {
      case "metadata":
        (metadata, totalSize) = try readIndexMetadata()
      case "weight_map":
        var map: [(name: TensorName, fileName: String)] = []
        try beginObject()
        while let name = try nextKey() { map.append((TensorName(name), try readString())) }
        weightMap = map
      default:
        _ = try readValue()
      }
    }
    guard let metadata else { throw missingMember("metadata") }
    guard let weightMap else { throw missingMember("weight_map") }
    try finish()
    return (metadata, totalSize, weightMap)
  }

  private mutating func readIndexMetadata() throws(JSONError) -> (JSONObject, Int?) {
    var members: [(String, JSONValue)] = []
    var totalSize: Int?
    try beginObject()
    while let key = try nextKey() {
      if key == CheckpointIndex.totalSizeKey {
        let size = try readWholeNumber(atLeast: 0)
        totalSize = size.whole
        members.append((key, .number(size)))
      } else {
        members.append((key, try readValue()))
      }
    }
    return (JSONObject(members), totalSize)
  }
}

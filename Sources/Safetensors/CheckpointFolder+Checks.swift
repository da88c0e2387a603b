// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Files
internal import Tensors

extension CheckpointFolder {
  static func missing(_ names: [String], path: String, found: String) -> SafetensorsError {
    SafetensorsError(
      .missingFile, path: path, keys: names, expected: "the file in the folder", found: found,
      remedy: "check that the folder is a complete Hugging Face checkpoint")
  }

  /// Checks that exactly the listed files of weights are there.
  static func checkFiles(
    _ files: [String], listed: [String], path: String, hasIndex: Bool
  ) throws(SafetensorsError) {
    let present = Set(files.map { TensorName($0) })
    let expected = Set(listed.map { TensorName($0) })
    let missing = listed.filter { !present.contains(TensorName($0)) }
    let unlisted = files.filter { !expected.contains(TensorName($0)) }
    if !missing.isEmpty, !hasIndex {
      throw Self.missing(
        [singleFileName, indexFileName], path: path,
        found: files.isEmpty
          ? MissingFiles([singleFileName], unlisted: [], in: path).found
          : "only shards without an index")
    }
    guard missing.isEmpty else {
      let reason = MissingFiles(missing, unlisted: unlisted, in: path)
      throw SafetensorsError(
        .missingShards, path: path, keys: missing, expected: "all shards of the index",
        found: reason.found, remedy: reason.remedy)
    }
    guard unlisted.isEmpty else {
      throw SafetensorsError(
        .unlistedFiles, path: path, keys: unlisted,
        expected: hasIndex ? "only shards of the index" : "only '\(singleFileName)'",
        found: "other safetensors files", remedy: "remove what is not part of the checkpoint")
    }
  }

  /// Returns the position of each tensor's shard.
  static func locate(
    _ shards: [Shard], path: String
  ) throws(SafetensorsError) -> [TensorName: Int] {
    var positions: [TensorName: Int] = [:]
    positions.reserveCapacity(shards.reduce(0) { $0 + $1.file.infos.count })
    var repeated: [String] = []
    for (position, shard) in shards.enumerated() {
      for info in shard.file.infos {
        if positions.updateValue(position, forKey: info.name) != nil {
          repeated.append(info.name.text)
        }
      }
    }
    guard repeated.isEmpty else {
      throw SafetensorsError(
        .duplicateTensors, path: path, keys: repeated, expected: "each tensor in one shard",
        found: "it in several", remedy: "remove all but one and write the index anew")
    }
    return positions
  }

  static func isShardName(_ name: String) -> Bool {
    FileSystem.isPlainName(name) && name.hasSuffix(weightsSuffix)
  }

  static func checkShardName(_ name: String, path: String) throws(SafetensorsError) {
    guard isShardName(name) else { throw invalidShardNames([name], path: path) }
  }

  static func invalidShardNames(_ names: [String], path: String) -> SafetensorsError {
    SafetensorsError(
      .invalidFileName, path: path, keys: names,
      expected: "plain file names that end with '\(weightsSuffix)'", found: "others",
      remedy: "name files inside the folder")
  }
}

extension CheckpointIndex {
  /// Checks the index against the shards that it names.
  func check(
    _ shards: [CheckpointFolder.Shard], at positions: [TensorName: Int], folder: String
  ) throws(SafetensorsError) {
    func failure(
      _ code: SafetensorsError.Code, _ keys: [String], expected: String, found: String
    ) -> SafetensorsError {
      SafetensorsError(
        code, path: "\(folder)/\(CheckpointFolder.indexFileName)", keys: keys,
        expected: expected, found: found,
        remedy: "download index and shards of one revision, or write the index anew")
    }
    var missing: [String] = []
    var misplaced: [String] = []
    for (name, fileName) in weightMap {
      if let position = positions[name] {
        if TensorName(shards[position].name) != TensorName(fileName) { misplaced.append(name.text) }
      } else {
        missing.append(name.text)
      }
    }
    guard missing.isEmpty else {
      let others = positions.count + missing.count - weightMap.count
      throw failure(
        .missingTensors, missing, expected: "each tensor of the weight map in its shard",
        found: others == 0
          ? "it in no shard"
          : "it in no shard, and \(others) there that the index lacks: it is of another save")
    }
    guard misplaced.isEmpty else {
      throw failure(
        .misplacedTensors, misplaced, expected: "each tensor in the shard of the weight map",
        found: "it in another")
    }
    if positions.count > weightMap.count {
      let listed = Set(weightMap.map(\.name))
      let unlisted = shards.flatMap { $0.file.infos.map(\.name) }.filter { !listed.contains($0) }
      throw failure(
        .unlistedTensors, unlisted.map(\.text),
        expected: "each tensor of the shards in the weight map", found: "it in a shard only")
    }
    // No file system holds files of so many bytes that the sum overflows.
    let total = shards.reduce(0) { $0 + $1.file.dataByteCount }
    if let totalSize, totalSize != total {
      throw failure(
        .wrongTotalSize, [], expected: "metadata.total_size to be \(total) bytes",
        found: "\(totalSize)")
    }
  }
}

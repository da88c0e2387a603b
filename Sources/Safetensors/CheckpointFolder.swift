// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Files
public import Tensors

/// A Hugging Face checkpoint folder: a configuration and tensors in one or more mapped files.
public struct CheckpointFolder: Sendable {
  /// A file of tensors.
  public struct Shard: Sendable {
    /// The name of the file in the folder.
    public let name: String
    /// The mapped file.
    public let file: SafetensorsFile
  }

  /// The name of the configuration.
  public static let configFileName = "config.json"
  /// The name of the index of shards.
  public static let indexFileName = "model.safetensors.index.json"
  /// The name of the weights where there is no index.
  public static let singleFileName = "model.safetensors"
  /// The name of the weights in a folder of PEFT, which holds an adapter of a model.
  public static let adapterFileName = "adapter_model.safetensors"
  /// The name of the configuration of such a folder, which says nothing of the model.
  public static let adapterConfigFileName = "adapter_config.json"
  static let weightsSuffix = ".safetensors"
  private static let maximumConfigByteCount = 16 << 20

  /// The path of the folder.
  public let path: String
  /// The bytes of `config.json`.
  public let config: [UInt8]
  /// The index of shards, nil for a single file.
  public let index: CheckpointIndex?
  /// The files of tensors, sorted by name.
  public let shards: [Shard]
  /// The names of the regular files that are neither weights nor index, `config.json` among them,
  /// sorted.
  public let otherFiles: [String]
  private let shardPositions: [TensorName: Int]

  /// Opens a folder, maps its shards and checks them against the index.
  ///
  /// - Parameter config: The text of a `config.json` that counts instead of the folder's, which it may lack.
  /// - Throws: `SafetensorsError` naming all tensors or files concerned.
  /// - Complexity: O(n log n) for n tensors; no data are read.
  public init(path: String, config given: [UInt8]? = nil) throws(SafetensorsError) {
    let files = try SafetensorsError.ofFiles { () throws(FileError) in
      try FileSystem.names(in: path)
    }.filter { FileSystem.kind(of: "\(path)/\($0)", followingLinks: true) == .file }
    let weightFiles = files.filter { $0.hasSuffix(Self.weightsSuffix) }
    let isAdapter =
      files.contains(Self.adapterFileName) && !files.contains(Self.singleFileName)
    if let given {
      config = given
    } else {
      guard files.contains(Self.configFileName) else {
        throw Self.missing(
          [Self.configFileName], path: path,
          found: isAdapter ? "an adapter of PEFT, whose base model has it (--config)" : "none")
      }
      config = try Self.readConfig("\(path)/\(Self.configFileName)")
    }

    let shardNames: [String]
    if files.contains(Self.indexFileName) {
      let index = try Self.readIndex("\(path)/\(Self.indexFileName)")
      self.index = index
      shardNames = index.shardNames
    } else {
      index = nil
      shardNames = [isAdapter ? Self.adapterFileName : Self.singleFileName]
    }
    try Self.checkFiles(
      weightFiles, listed: shardNames, path: path, hasIndex: files.contains(Self.indexFileName))

    var shards: [Shard] = []
    var strangers: [(name: String, error: SafetensorsError)] = []
    for name in shardNames {
      do {
        shards.append(Shard(name: name, file: try SafetensorsFile(path: "\(path)/\(name)")))
      } catch {
        guard error.code == .otherFormat else { throw error }
        strangers.append((name, error))
      }
    }
    if let error = SafetensorsError.together(strangers, folder: path) { throw error }
    shardPositions = try Self.locate(shards, path: path)
    if let index { try index.check(shards, at: shardPositions, folder: path) }
    self.path = path
    self.shards = shards
    otherFiles = files.filter { !$0.hasSuffix(Self.weightsSuffix) && $0 != Self.indexFileName }
  }

  /// The name, element type and shape of each tensor: shards by file name, inside a shard in the
  /// order of its header.
  public var infos: [TensorInfo] { shards.flatMap(\.file.infos) }

  /// The number of tensors.
  public var tensorCount: Int { shardPositions.count }

  /// The tensor of a name, not copied, or nil.
  public func tensor(named name: TensorName) -> Tensor? {
    shardPositions[name].flatMap { shards[$0].file.tensor(named: name) }
  }

  /// The file that holds a tensor, or nil.
  public func shard(of name: TensorName) -> Shard? {
    shardPositions[name].map { shards[$0] }
  }

  /// All tensors, not copied, in the order of `infos`.
  ///
  /// - Throws: `SafetensorsError` never for a folder that could be opened.
  public func stateDict() throws(SafetensorsError) -> StateDict {
    do {
      return try StateDict(shards.flatMap { $0.file.stateDict.map { ($0.name, $0.tensor) } })
    } catch {
      throw SafetensorsError(error, path: path)
    }
  }

  private static func readConfig(_ path: String) throws(SafetensorsError) -> [UInt8] {
    let storage = try map(path)
    guard storage.count <= maximumConfigByteCount else {
      throw SafetensorsError(
        .file, path: path, expected: "at most \(maximumConfigByteCount) bytes",
        found: "\(storage.count)", remedy: "check that it is a model's configuration")
    }
    // The buffer does not leave the closure.
    return unsafe storage.withUnsafeBytes { unsafe Array($0) }
  }

  private static func readIndex(_ path: String) throws(SafetensorsError) -> CheckpointIndex {
    let storage = try map(path)
    return try CheckpointIndex(parsing: storage.bytes, path: path)
  }

  private static func map(_ path: String) throws(SafetensorsError) -> TensorStorage {
    do {
      return try .mapping(path)
    } catch {
      throw SafetensorsError(error, path: path)
    }
  }
}

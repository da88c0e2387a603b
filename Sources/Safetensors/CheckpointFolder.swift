// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Files
public import Tensors

/// A Hugging Face checkpoint folder: a configuration and tensors in one or more files.
public struct CheckpointFolder: Sendable {
  /// A file of tensors.
  public struct Shard: Sendable {
    /// The name of the file in the folder.
    public let name: String
    /// The file.
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
  /// The path of the config.
  public let configPath: String
  /// The bytes of the config.
  public let config: [UInt8]
  /// The index of shards, nil for a single file.
  public let index: CheckpointIndex?
  /// The files of tensors, sorted by name.
  public let shards: [Shard]
  /// The names of the regular files that are neither weights nor index, `config.json` among them,
  /// sorted.
  public let otherFiles: [String]
  private let shardPositions: [TensorName: Int]

  /// Opens a folder and its shards and checks them against the index.
  ///
  /// - Parameter configPath: A config that counts instead of the folder's, which it may lack.
  /// - Throws: `SafetensorsError` naming all tensors or files concerned.
  /// - Complexity: O(n log n) for n tensors; no data are read.
  public init(
    path: String, configPath: String? = nil, access: FileAccess = .mapped
  ) throws(SafetensorsError) {
    let files = try SafetensorsError.ofFiles { () throws(FileError) in
      try FileSystem.names(in: path)
    }.filter { FileSystem.kind(of: "\(path)/\($0)", followingLinks: true) == .file }
    let weightFiles = files.filter { $0.hasSuffix(Self.weightsSuffix) }
    let isAdapter =
      files.contains(Self.adapterFileName) && !files.contains(Self.singleFileName)
    guard configPath != nil || files.contains(Self.configFileName) else {
      throw Self.missing(
        [Self.configFileName], path: path,
        found: isAdapter ? "an adapter of PEFT, whose base model has it (--config)" : "none")
    }
    self.configPath = configPath ?? "\(path)/\(Self.configFileName)"
    config = try Self.readConfig(self.configPath)

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
        shards.append(
          Shard(name: name, file: try SafetensorsFile(path: "\(path)/\(name)", access: access)))
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

  /// Whether all files are mapped.
  public var isMapped: Bool { shards.allSatisfy(\.file.isMapped) }

  /// The tensor of a name, not copied where its file is mapped, or nil.
  public func tensor(named name: TensorName) -> Tensor? { try? read(name) }

  /// The tensor of a name, or some of its elements as a list; nil if there is none.
  ///
  /// - Throws: `SafetensorsError` naming the file if it was cut off since the folder was opened.
  public func read(
    _ name: TensorName, elements: Range<Int>? = nil
  ) throws(SafetensorsError) -> Tensor? {
    guard let position = shardPositions[name] else { return nil }
    return try shards[position].file.read(name, elements: elements)
  }

  /// The file that holds a tensor, or nil.
  public func shard(of name: TensorName) -> Shard? {
    shardPositions[name].map { shards[$0] }
  }

  /// All tensors, not copied where files are mapped, in the order of `infos`.
  ///
  /// - Throws: `SafetensorsError` if a file was cut off since the folder was opened.
  public func stateDict() throws(SafetensorsError) -> StateDict {
    var result = StateDict(minimumCapacity: tensorCount)
    for shard in shards {
      for info in shard.file.infos {
        guard let tensor = try shard.file.read(info.name) else { continue }
        do {
          try result.insert(tensor, named: info.name)
        } catch {
          throw SafetensorsError(error, path: path)
        }
      }
    }
    return result
  }

  private static func readConfig(_ path: String) throws(SafetensorsError) -> [UInt8] {
    let bytes = try read(path, atMost: maximumConfigByteCount + 1)
    guard bytes.count <= maximumConfigByteCount else {
      throw SafetensorsError(
        .file, path: path, expected: "at most \(maximumConfigByteCount) bytes", found: "more",
        remedy: "check that it is a model's configuration")
    }
    return bytes
  }

  private static func readIndex(_ path: String) throws(SafetensorsError) -> CheckpointIndex {
    let text = try read(path, atMost: .max)
    // Bytes have no padding that could be read uninitialized.
    return try CheckpointIndex(parsing: unsafe text.span.bytes, path: path)
  }

  private static func read(_ path: String, atMost limit: Int) throws(SafetensorsError) -> [UInt8] {
    try SafetensorsError.ofFiles { () throws(FileError) in
      try FileSystem.contents(of: path, atMost: limit)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Files
public import StrictJSON
internal import Synchronization
public import Tensors

/// Writes a checkpoint folder that appears under its name only when all is written.
///
/// The files grow in a hidden sibling `.NAME.partial-PID`, which is removed with a writer that is
/// not finished; only a killed process leaves it behind. A shard that is alone and named
/// `model.safetensors` or `adapter_model.safetensors` gets no index.
public final class CheckpointFolderWriter: Sendable {
  /// The path of the finished folder.
  public let path: String
  /// The tensors of each file.
  public let plan: ShardPlan
  /// The writers of the shards, in the order of the plan.
  public let shardWriters: [SafetensorsWriter]
  private let temporaryPath: String
  private let shardPositions: [TensorName: Int]
  private let index: CheckpointIndex?
  /// Whether the hidden folder is gone: renamed or removed.
  private let isClosed = Atomic<Bool>(false)

  /// Makes the hidden folder and reserves the space of all shards.
  ///
  /// - Parameter indexMetadata: The metadata of an index of these tensors; nil for `total_size` alone.
  /// - Throws: `SafetensorsError`, with code `alreadyExists` if the path is taken.
  public init(
    path: String, plan: ShardPlan, indexMetadata: JSONObject? = nil
  ) throws(SafetensorsError) {
    let (parent, name) = try SafetensorsError.ofFiles { () throws(FileError) in
      try FileSystem.split(path)
    }
    self.path = "\(parent)/\(name)"
    self.plan = plan
    try Self.checkFree(self.path)
    var layouts: [SafetensorsLayout] = []
    for shard in plan.shards {
      layouts.append(try SafetensorsLayout(shard.tensors, metadata: shard.metadata))
    }
    let single = [CheckpointFolder.singleFileName, CheckpointFolder.adapterFileName]
    index =
      plan.shards.count == 1 && single.contains(plan.shards[0].fileName)
      ? nil : try CheckpointIndex(plan, metadata: indexMetadata)
    var positions: [TensorName: Int] = [:]
    for (position, shard) in plan.shards.enumerated() {
      for info in shard.tensors { positions[info.name] = position }
    }
    shardPositions = positions

    let temporary = try SafetensorsError.ofFiles { () throws(FileError) in
      let temporary = try FileSystem.temporaryPath(beside: path)
      try FileSystem.makeFolder(temporary)
      return temporary
    }
    do {
      var writers: [SafetensorsWriter] = []
      for (shard, layout) in zip(plan.shards, layouts) {
        let file = "\(temporary)/\(shard.fileName)"
        writers.append(try SafetensorsWriter(path: file, layout: layout))
      }
      shardWriters = writers
    } catch {
      try? FileSystem.removeFolder(temporary)
      throw error
    }
    temporaryPath = temporary
  }

  deinit {
    cancel()
  }

  /// Removes the hidden folder unless the writer is finished.
  public func cancel() {
    if !isClosed.exchange(true, ordering: .acquiringAndReleasing) {
      try? FileSystem.removeFolder(temporaryPath)
    }
  }

  /// Writes bytes of a tensor from an offset in it; several threads may write at once.
  ///
  /// - Throws: `SafetensorsError`, with code `invalidWrite` if the plan has no such bytes.
  public func write(
    _ bytes: RawSpan, of name: TensorName, atByteOffset offset: Int = 0
  ) throws(SafetensorsError) {
    guard let position = shardPositions[name] else {
      throw SafetensorsError(
        .invalidWrite, path: path, keys: [name.text], expected: "a tensor of the plan",
        found: "another", remedy: "plan the tensor before writing it")
    }
    try shardWriters[position].write(bytes, of: name, atByteOffset: offset)
  }

  /// Adds a file other than weights and index.
  ///
  /// - Throws: `SafetensorsError`.
  public func add(_ bytes: [UInt8], named name: String) throws(SafetensorsError) {
    // Bytes have no padding that could be read uninitialized.
    try add(unsafe bytes.span.bytes, named: name)
  }

  /// Adds a copy of a file other than weights and index.
  ///
  /// - Throws: `SafetensorsError`.
  public func add(copyOf source: String, named name: String) throws(SafetensorsError) {
    let bytes = try SafetensorsError.ofFiles { () throws(FileError) in
      try FileSystem.contents(of: source, atMost: .max)
    }
    try add(bytes, named: name)
  }

  private func add(_ bytes: RawSpan, named name: String) throws(SafetensorsError) {
    guard FileSystem.isPlainName(name) else {
      throw SafetensorsError(
        .invalidFileName, path: path, keys: [name], expected: "a plain file name",
        found: "an empty name, a path or a NUL", remedy: "name a file inside the folder")
    }
    do {
      try FileSystem.create("\(temporaryPath)/\(name)", bytes)
    } catch {
      throw SafetensorsError(error)
    }
  }

  /// Checks that all tensors are written, makes everything durable and gives the folder its name.
  ///
  /// The writer is of no use afterwards, not even if this fails, which removes the hidden folder.
  ///
  /// - Throws: `SafetensorsError`, with code `incompleteWrite` naming unfinished tensors of a
  ///   shard and with code `alreadyExists` if the path has been taken meanwhile.
  public func finish() throws(SafetensorsError) {
    do {
      for writer in shardWriters { try writer.finish() }
      if let index { try add(index.json, named: CheckpointFolder.indexFileName) }
      try Self.checkFree(path)
      try SafetensorsError.ofFiles { () throws(FileError) in
        try FileSystem.synchronize(folder: temporaryPath)
        // Between check and move only an empty folder could be replaced: a rename refuses the rest.
        try FileSystem.move(temporaryPath, to: path)
      }
    } catch {
      cancel()
      throw error
    }
    isClosed.store(true, ordering: .releasing)
    try SafetensorsError.ofFiles { () throws(FileError) in
      try FileSystem.synchronize(folder: FileSystem.split(path).parent)
    }
  }

  private static func checkFree(_ path: String) throws(SafetensorsError) {
    guard FileSystem.kind(of: path) == nil else {
      throw SafetensorsError(
        .alreadyExists, path: path, expected: "a path that is free", found: "a file or folder",
        remedy: "choose another path or remove what is there")
    }
  }
}

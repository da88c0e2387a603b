// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Safetensors
import Tensors

extension Scratch {
  /// Writes a checkpoint folder anew under another name, with other tensors or metadata in the same shards.
  func rewrite(
    _ name: String, as copy: String,
    _ change: (_ name: TensorName, Tensor) throws -> Tensor? = { $1 },
    metadata: (_ shard: String) -> SafetensorsMetadata? = { _ in ["format": "pt"] }
  ) throws {
    let folder = try CheckpointFolder(path: self[name])
    var shards: [ShardPlan.Shard] = []
    var tensors = StateDict()
    for shard in folder.shards {
      var infos: [TensorInfo] = []
      for info in shard.file.infos {
        guard let tensor = shard.file.tensor(named: info.name),
          let changed = try change(info.name, tensor)
        else { continue }
        infos.append(TensorInfo(info.name, changed.dtype, changed.shape))
        try tensors.insert(changed, named: info.name)
      }
      shards.append(.init(shard.name, infos, metadata: metadata(shard.name)))
    }
    let writer = try CheckpointFolderWriter(
      path: self[copy], plan: ShardPlan(shards), indexMetadata: nil)
    for file in folder.otherFiles { try writer.add(copyOf: self["\(name)/\(file)"], named: file) }
    for (name, tensor) in tensors { try writer.write(tensor.bytes, of: name) }
    try writer.finish()
  }
}

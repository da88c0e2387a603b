// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Safetensors
import StrictJSON
import Tensors

/// Made-up checkpoints of small configs.
enum Synthetic {
  /// The text of a config with two layers, the second sparse.
  static func config(
    experts: Int = 5, hidden: Int = 8, inter: Int = 4, mtp: Int = 0, dtype: String = "bfloat16"
  ) -> [UInt8] {
    let json: JSONValue = [
      "model_type": "hy_v3", "vocab_size": 16, "hidden_size": JSONValue(hidden),
      "intermediate_size": 12, "moe_intermediate_size": JSONValue(inter),
      "num_experts": JSONValue(experts), "num_shared_experts": 1, "num_hidden_layers": 2,
      "first_k_dense_replace": 1, "num_nextn_predict_layers": JSONValue(mtp),
      "num_attention_heads": 2, "num_key_value_heads": 1, "head_dim": 4, "dtype": .string(dtype),
    ]
    return json.bytes(.python)
  }

  /// Writes a whole checkpoint of a config; without a shard size, in one file.
  static func write(
    _ config: [UInt8], to path: String, prefix: ModelPrefix = .model, maxShardSize: Int = .max
  ) throws {
    let schema = ModelSchema(
      try ModelConfig(json: JSONValue(parsing: config)), prefix: prefix)
    let infos = schema.tensors()
    let writer = try CheckpointFolderWriter(
      path: path, plan: .greedy(infos, maxShardSize: maxShardSize))
    try writer.add(config, named: CheckpointFolder.configFileName)
    for info in infos {
      try writer.write(SyntheticTensor.make(info).bytes, of: info.name)
    }
    try writer.finish()
  }
}

extension CheckpointFolder {
  /// The texts of all names, in order.
  var keys: [String] { infos.map(\.name.text) }

  /// A tensor that must be there.
  func bits(_ name: String, _ index: Int) -> UInt64? {
    tensor(named: TensorName(name))?.bits(at: index)
  }
}

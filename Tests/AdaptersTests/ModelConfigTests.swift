// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors
import Testing

@Suite("A config takes only values that no later product overflows")
struct ModelConfigTests {
  private struct Values {
    var sizes: [String: Int] = [
      "vocab_size": 7, "hidden_size": 4, "intermediate_size": 6, "moe_intermediate_size": 5,
      "num_experts": 3, "num_shared_experts": 1, "num_hidden_layers": 2,
      "num_nextn_predict_layers": 0, "num_attention_heads": 2, "num_key_value_heads": 1,
      "head_dim": 3,
    ]
    var dtype = DType.bf16

    func config() throws(ConfigError) -> ModelConfig {
      func value(_ field: String) -> Int { sizes[field] ?? 0 }
      return try ModelConfig(
        vocabularySize: value("vocab_size"), hiddenSize: value("hidden_size"),
        denseIntermediateSize: value("intermediate_size"),
        moeIntermediateSize: value("moe_intermediate_size"), expertCount: value("num_experts"),
        sharedExpertCount: value("num_shared_experts"),
        layerKinds: Array(repeating: .sparse, count: value("num_hidden_layers")),
        mtpLayerCount: value("num_nextn_predict_layers"),
        attentionHeadCount: value("num_attention_heads"),
        keyValueHeadCount: value("num_key_value_heads"), headSize: value("head_dim"), dtype: dtype)
    }
  }

  /// The largest value of each field.
  private let limits = [
    "vocab_size": 1 << 26, "hidden_size": 1 << 18, "intermediate_size": 1 << 18,
    "moe_intermediate_size": 1 << 18, "num_experts": 1 << 14, "num_shared_experts": 256,
    "num_hidden_layers": 4096, "num_nextn_predict_layers": 64, "num_attention_heads": 1 << 12,
    "num_key_value_heads": 1 << 12, "head_dim": 1 << 12,
  ]

  @Test("Each field out of range is named, with what it holds")
  func ranges() throws {
    let optional: Set = ["num_shared_experts", "num_nextn_predict_layers"]
    for (field, limit) in limits.sorted(by: { $0.key < $1.key }) {
      let least = optional.contains(field) ? 0 : 1
      var wrong = [least - 1, limit + 1]
      if field != "num_hidden_layers" { wrong += [.max, .min] }
      for value in wrong where field != "num_hidden_layers" || value >= 0 {
        var values = Values()
        values.sizes[field] = value
        let error = #expect(throws: ConfigError.self, "\(field) \(value)") {
          try values.config()
        }
        #expect(error?.field == field)
        #expect(field == "num_hidden_layers" || error?.found == "\(value)")
      }
      for value in [least, limit] {
        var values = Values()
        values.sizes[field] = value
        _ = try values.config()
      }
    }
  }

  @Test("Everything at its largest is refused for the product, and never traps")
  func products() throws {
    var values = Values()
    values.sizes = limits
    let error = #expect(throws: ConfigError.self) { try values.config() }
    #expect(error?.field == "num_experts")

    for field in limits.keys.sorted() where field != "num_hidden_layers" {
      values.sizes[field] = .max
    }
    #expect(throws: ConfigError.self) { try values.config() }

    // The most experts in all layers: 64 layers of 2^14.
    values.sizes = limits
    values.sizes["num_hidden_layers"] = 64
    values.sizes["num_nextn_predict_layers"] = 0
    _ = try values.config()
    values.sizes["num_nextn_predict_layers"] = 1
    #expect(throws: ConfigError.self) { try values.config() }
  }

  @Test("The shapes of the largest sizes do not overflow")
  func largestShapes() throws {
    var values = Values()
    values.sizes = limits
    values.sizes["num_experts"] = 2
    values.sizes["num_hidden_layers"] = 2
    values.sizes["num_nextn_predict_layers"] = 1
    values.dtype = .f64
    let tensors = try ModelSchema(values.config()).tensors()
    let sizes = try tensors.map { try $0.shape.byteCount(of: $0.dtype) }
    #expect(sizes.allSatisfy { $0 > 0 })
    let plan = try AdapterPlanner(values.config()).fromHF(tensors)
    let back = try AdapterPlanner(values.config()).toHF(plan.destinations)
    let proof = PlanProof(forward: plan, backward: back, config: try values.config())
    #expect(proof.faults.prefix(3) == [])
  }

  @Test("Weights of integers are no model")
  func dtypes() {
    for dtype in DType.allCases {
      var values = Values()
      values.dtype = dtype
      let config = try? values.config()
      #expect((config != nil) == dtype.isFloatingPoint, "\(dtype)")
    }
  }

  @Test("Layers after the decoder layers are sparse")
  func layerKinds() throws {
    let config = try TestCheckpoint.config(layers: [.dense, .sparse, .dense], mtp: 2)
    #expect((0..<5).map { config.isSparse(layer: $0) } == [false, true, false, true, true])
    #expect(config.hiddenLayerCount == 3 && config.storedLayerCount == 5)
  }
}

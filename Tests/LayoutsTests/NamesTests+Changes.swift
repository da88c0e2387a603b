// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

extension NamesTests.Change {
  typealias Model = NamesTests.Model

  static let all: [Self] = experts + layers + names

  /// Changes of how experts are stored.
  private static let experts: [Self] = [
    Self("experts are grouped", .grouped, "experts are grouped on disk", "one tensor per expert") {
      grouped($0) { _ in true }
    },
    Self("experts of prediction layers are grouped", .grouped, "in prediction layer") { model in
      model.config.mtpLayerCount > 0
        ? grouped(model) { $0 >= model.config.hiddenLayerCount } : nil
    },
    Self("experts are one tensor each", .split, "one tensor each on disk", "in one tensor") {
      model in
      model.isSplit
        ? nil
        : model.edit { tensor in
          guard model.isOfExperts(tensor) else { return [tensor.info.name.text] }
          let parts = tensor.info.name.text.replacing(".weight", with: "").split(separator: ".")
          return (0..<model.config.expertCount).map { expert in
            (parts.dropLast() + ["\(expert)", parts.last ?? "", "weight"]).joined(separator: ".")
          }
        }
    },
    Self("experts are in native form", .native, "native form", "--to hf") { model in
      model.isSplit
        ? model.edit {
          [
            model.isOfExperts($0)
              ? model.config.layout.toDisk($0.nativeName.text) : $0.info.name.text
          ]
        } : nil
    },
    Self("experts are there twice", .twice, "twice") { model in
      grouped(model) { _ in true }.map { $0.filter { !model.names.contains($0) } + model.names }
    },
    Self("gate and up of an expert are one tensor", .fused, "gate and up of each expert") { model in
      model.isSplit && model.config.layout.tensors.contains { $0.part == .gate }
        ? model.edit { tensor in
          guard let expert = tensor.expert, model.isOfExperts(tensor) else {
            return [tensor.info.name.text]
          }
          let start = tensor.info.name.text.components(before: ".\(expert).")
          return model.rule(tensor).part == .down
            ? [tensor.info.name.text] : ["\(start).\(expert).gate_up_proj.weight"]
        } : nil
    },
    Self(
      "experts are packed", .packed, "packed by compressed-tensors", "'weight_packed'",
      "and no 'weight'"
    ) { model in
      model.isSplit
        ? model.edit { tensor in
          let name = tensor.info.name.text
          return model.isOfExperts(tensor)
            ? ["packed", "scale", "shape"].map { name.replacing(".weight", with: ".weight_\($0)") }
            : [name]
        } : nil
    },
    Self("experts are blocks and scales", .packed, "'_blocks' and '_scales'") { model in
      model.config.layout.name == "gpt_oss"
        ? model.edit { tensor in
          let name = tensor.info.name.text
          return model.isOfExperts(tensor) && !name.hasSuffix("bias")
            ? ["\(name)_blocks", "\(name)_scales"] : [name]
        } : nil
    },
    Self("experts have an unknown companion", .companion, "'weight_scale_2'", "does not know") {
      model in
      model.isSplit
        ? model.edit { tensor in
          let name = tensor.info.name.text
          return [name]
            + (model.isOfExperts(tensor)
              ? [name.replacing(".weight", with: ".weight_scale_2")] : [])
        } : nil
    },
    Self("a scale of one expert is missing", .companionIncomplete, "'weight_scale' is missing") {
      model in
      model.config.layout.companions.isEmpty
        ? nil
        : model.edit { tensor in
          let name = tensor.info.name.text
          let isScaled =
            model.isOfExperts(tensor)
            && !(tensor.layer == model.lastLayer && tensor.expert == 3)
          return [name] + (isScaled ? [name.replacing(".weight", with: ".weight_scale")] : [])
        }
    },
    Self("the last expert of each layer is missing", .missingExperts, "each layer has") { model in
      model.isSplit
        ? model.edit { $0.expert == model.config.expertCount - 1 ? [] : [$0.info.name.text] } : nil
    },
    Self("one expert of one layer is missing", .missingExperts, "expert 2 of", "in layer") {
      model in
      model.isSplit
        ? model.edit {
          $0.expert == 2 && $0.layer == model.firstSparse ? [] : [$0.info.name.text]
        } : nil
    },
    Self("there is an expert too much", .surplusExperts, "there is expert") { model in
      let count = model.config.expertCount
      return model.isSplit
        ? model.edit { tensor in
          let name = tensor.info.name.text
          return [name]
            + (tensor.expert == 0
              ? ["\(name.components(before: ".0.")).\(count).\(name.components(after: ".0."))"]
              : [])
        } : nil
    },
  ]

  /// Changes of which layers there are.
  private static let layers: [Self] = [
    Self("the last decoder layer is missing", .missingLayers, "there are", "decoder layers") {
      model in
      model.edit { $0.layer == model.lastLayer ? [] : [$0.info.name.text] }
    },
    Self("a layer in the middle is missing", .missingLayers, "layer 2 is missing") { model in
      model.edit { $0.layer == 2 ? [] : [$0.info.name.text] }
    },
    Self("there is a layer too much", .surplusLayers, "there is layer") { model in
      let surplus = model.config.storedLayerCount
      return model.edit { tensor in
        let name = tensor.info.name.text
        let start = model.layer(model.lastLayer)
        return [name]
          + (tensor.layer == model.lastLayer
            ? [model.layer(surplus) + name.dropFirst(start.count)] : [])
      }
    },
    Self("the prediction layers are missing", .missingPrediction, "prediction (MTP) layer") {
      model in
      model.config.mtpLayerCount > 0
        ? model.edit { ($0.layer ?? 0) >= model.config.hiddenLayerCount ? [] : [$0.info.name.text] }
        : nil
    },
    Self("the config has no prediction layers", .surplusPrediction, "prediction (MTP) layer") {
      model in
      guard model.config.mtpLayerCount == 0, model.config.layout.name == "hy_v3" else { return nil }
      let start = model.layer(model.lastLayer)
      let prediction = model.layer(model.config.hiddenLayerCount)
      let copies = model.tensors.filter { $0.layer == model.lastLayer }
        .map { prediction + $0.info.name.text.dropFirst(start.count) }
      return model.names
        + (copies
        + ["eh_proj", "enorm", "hnorm", "final_layernorm"].map { "\(prediction)\($0).weight" })
        .map { TensorName($0) }
    },
    Self("prediction layers are elsewhere", .predictionElsewhere, "under 'mtp.layers.'") { model in
      let start = model.layer(model.config.hiddenLayerCount)
      return model.config.mtpLayerCount == 1
        ? model.edit { tensor in
          let name = tensor.info.name.text
          return [name.hasPrefix(start) ? "mtp.layers.0." + name.dropFirst(start.count) : name]
        } : nil
    },
    Self("a dense layer has experts", .layerKind, "has experts") { model in
      guard let dense = model.config.layerKinds.firstIndex(of: .dense),
        model.config.layerKinds.count(where: { $0 == .dense }) == 1
      else { return nil }
      let (from, to) = (model.layer(model.firstSparse), model.layer(dense))
      return model.edit { $0.layer == dense ? [] : [$0.info.name.text] }
        + model.tensors.filter { $0.layer == model.firstSparse }
        .map { TensorName(to + $0.info.name.text.dropFirst(from.count)) }
    },
  ]

  /// Changes of names.
  private static let names: [Self] = [
    Self("names begin otherwise", .prefix, "names begin with 'transformer.") { model in
      model.edit { tensor in
        let (name, prefix) = (tensor.info.name.text, model.config.layout.prefixes[0])
        return [name.hasPrefix(prefix) ? "transformer." + name : name]
      }
    },
    Self("the router has another name", .renamed, "names differ", "is called") { model in
      model.edit { tensor in
        let name = tensor.info.name.text
        return [
          model.rule(tensor).role == .router && name.hasSuffix("weight")
            ? name.replacing(".weight", with: ".wg.weight") : name
        ]
      }
    },
    Self("queries, keys and values are joined", .joined, "qkv_proj", "replaces") {
      model in
      let names = Set(model.names)
      return model.count("self_attn.k_proj.weight") == 0
        ? nil
        : model.edit { tensor in
          let name = tensor.info.name.text
          // Some layers of Kimi-Linear have queries alone.
          let joined = ["q", "k", "v"].lazy.compactMap { part -> String? in
            let own = "self_attn.\(part)_proj.weight"
            let keys = name.replacing(own, with: "self_attn.k_proj.weight")
            guard name.hasSuffix(own), names.contains(TensorName(keys)) else { return nil }
            return name.replacing(own, with: "self_attn.qkv_proj.weight")
          }
          return [joined.first ?? name]
        }
    },
    Self("the head is missing", .missing, "lm_head.weight' is missing") { model in
      model.count("lm_head.weight") == 0
        ? nil
        : model.edit { $0.info.name.text.hasSuffix("lm_head.weight") ? [] : [$0.info.name.text] }
    },
    Self("a norm of one layer is missing", .missing, "is missing in layer 1") { model in
      let norms = ["input_layernorm.weight", "norm.weight"].map { model.layer(1) + $0 }
      return model.names.filter { !norms.contains($0.text) }
    },
    Self("numbers have leading zeros", .spelling, "written otherwise") { model in
      model.edit { [$0.info.name.text.replacing("layers.1.", with: "layers.01.")] }
    },
    Self("there is a tensor that nobody knows", .surplus, "does not know 'self_attn.rotary") {
      model in
      model.names
        + (0..<model.config.storedLayerCount).map {
          TensorName("\(model.layer($0))self_attn.rotary_emb.inv_freq")
        }
    },
    Self("there is a bias that the config denies", .surplus, "'self_attn.o_proj.bias'", "is false")
    {
      model in
      guard model.config.flag("attention_bias") == false,
        model.config.layout.tensors.contains(where: { $0.name.start == "self_attn.o_proj.bias" })
      else { return nil }
      return model.names
        + (0..<model.config.storedLayerCount).map {
          TensorName("\(model.layer($0))self_attn.o_proj.bias")
        }
    },
  ]

  private static func grouped(_ model: Model, _ isMeant: (Int) -> Bool) -> [TensorName]? {
    guard model.isSplit else { return nil }
    return model.edit { tensor in
      let name = tensor.info.name.text
      guard let expert = tensor.expert, model.isOfExperts(tensor), isMeant(tensor.layer ?? 0) else {
        return [name]
      }
      let start = name.components(before: ".\(expert).")
      return [start + (model.rule(tensor).part == .down ? ".down_proj" : ".gate_up_proj")]
    }
  }
}

extension String {
  /// What stands before the last occurrence of a text.
  fileprivate func components(before text: String) -> String {
    ranges(of: text).last.map { String(self[..<$0.lowerBound]) } ?? self
  }

  /// What stands after it.
  fileprivate func components(after text: String) -> String {
    ranges(of: text).last.map { String(self[$0.upperBound...]) } ?? self
  }
}

extension NamesTests.Model {
  /// How many names end so.
  fileprivate func count(_ end: String) -> Int { names.count { $0.text.hasSuffix(end) } }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
public import CheckpointGenerators
import Layouts
import OrderedCollections
import StrictJSON
import Tensors

extension GoldenDescription {
  /// The description of a generated checkpoint, as far as upstream can be asked about it: upstream
  /// writes the usual prefix only, and cannot save the experts of ranks of different shares.
  ///
  /// - Throws: `GoldenError` if the name is none.
  public init(_ id: String, of spec: CheckpointSpec) throws(GoldenError) {
    let options = spec.options
    let isEven = spec.parallelism.map { spec.config.expertCount.isMultiple(of: $0.size) } ?? true
    let saves = isEven && options.prefix == .model
    try self.init(
      [
        "config": spec.config.json,
        "directions": saves ? ["load", "save"] : ["load"],
        "exclusion": .string(spec.exclusion.pattern(in: spec.config.layout)),
        "expected": nil,
        "family": .string(spec.config.layout.name),
        "flags": ["generated"],
        "id": .string(id),
        "lora": spec.lora.map { lora in
          [
            "layout": .string(lora.layout.rawValue), "prefix": .string(lora.prefix),
            "rank": JSONValue(lora.rank),
          ]
        } ?? .null,
        "options": [
          "activation": .string(options.activation.rawValue),
          "completeness": .string(options.completeness.rawValue),
          "mtp_policy": .string(options.mtpPolicy.rawValue),
          "param_wrapper_layout": options.paramWrapperLayout.map { .string($0.rawValue) } ?? .null,
          "prefix": .string(spec.setup.prefix),
          "target_dtype": .string(options.targetDType.rawValue),
        ],
        "parallelism": spec.parallelism.map { rank in
          ["rank": JSONValue(rank.rank), "size": JSONValue(rank.size)]
        } ?? .null,
        "purpose": "a generated checkpoint",
        "verdict": "valid",
      ], of: id)
  }
}

extension GoldenCase {
  /// A generated checkpoint and what the reference adapter makes of it, for other programs to check;
  /// nil where upstream is known to differ: for ranks without experts or with scales of others' experts,
  /// and for multi-token prediction layers under a prefix that it does not know.
  ///
  /// - Throws: `AdapterError`, `GoldenError`, `TensorError`.
  public init?(generated id: String, _ spec: CheckpointSpec) throws {
    let knowsPrefix = [ModelPrefix.model, .none].contains(spec.options.prefix)
    guard spec.parallelism.map({ $0.size <= spec.config.expertCount }) ?? true,
      knowsPrefix || spec.config.mtpLayerCount == 0,
      spec.parallelism == nil || !spec.types.hasScales
    else { return nil }
    // What a cast makes of a NaN depends on the processor that upstream runs on.
    let isCast = spec.types.experts != spec.options.targetDType
    let hf = try Checkpoint(spec).stateDict(isCast ? TensorContents(.tracer(digit: 0)) : nil)
    let description = try GoldenDescription(id, of: spec)
    let adapter = StateDictAdapter(config: spec.config, options: spec.options)
    let native = try adapter.fromHF(hf, expertParallelism: spec.parallelism)
    let saved = try adapter.toHF(
      native, excluding: spec.exclusion.pattern(in: spec.config.layout),
      expertParallelism: spec.parallelism)
    let saves = description.directions.contains(.save)
    try self.init(
      description,
      saves && saved != hf
        ? [.hf: hf, .native: native, .saved: saved] : [.hf: hf, .native: native])
  }
}

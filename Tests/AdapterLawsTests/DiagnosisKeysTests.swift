// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import PlantedFaults
import Tensors
import Testing

@Suite("Diagnosis of keys, types and behaviour")
struct DiagnosisKeysTests {
  @Test("Each planted fault is named", arguments: try planted())
  func named(fault: PlantedDiagnosis) {
    let found = Diagnosis.of(fault.violation, fault.spec, fault.adapter).sentences
    #expect(found == fault.sentences)
  }

  static func planted() throws -> [PlantedDiagnosis] {
    try names() + mtp() + orders() + exclusions() + streams() + types() + behaviour()
  }

  static func rename(_ old: String, _ new: String) -> FaultyAdapter.Edit {
    { dict, _ in try dict.renaming { $0.replacing(old, with: new) } }
  }

  static func drop(_ text: String) -> FaultyAdapter.Edit {
    { dict, _ in try dict.renaming { $0.contains(text) ? nil : $0 } }
  }

  static func names() throws -> [PlantedDiagnosis] {
    [
      PlantedDiagnosis(
        "bias not renamed", try SmallSpec.make(),
        FaultyAdapter(nativeOut: rename("mlp.gate.e_score_correction_bias", "mlp.expert_bias")),
        "expert_bias keeps its name on disk when loading in layer 1"),
      PlantedDiagnosis(
        "bias named otherwise", try SmallSpec.make(),
        FaultyAdapter(nativeOut: rename("e_score_correction_bias", "bias")),
        "expert_bias comes out as 'mlp.gate.bias' when loading in layer 1"),
      PlantedDiagnosis(
        "router keeps native name", try SmallSpec.make(),
        FaultyAdapter(onDiskOut: rename("mlp.router.gate.weight", "mlp.gate.weight")),
        "router keeps its native name when saving in layer 1"),
      PlantedDiagnosis(
        "head dropped", try SmallSpec.make(), FaultyAdapter(nativeOut: drop("lm_head")),
        "lm_head is lost when loading"),
      PlantedDiagnosis(
        "shared experts dropped", try SmallSpec.make(),
        FaultyAdapter(onDiskOut: drop("shared_mlp")),
        "shared gate_proj, shared up_proj and shared down_proj are lost when saving in layer 1"),
      PlantedDiagnosis(
        "prefix lost", try SmallSpec.make(prefix: .languageModel),
        FaultyAdapter(onDiskOut: rename("language_model.layers", "model.layers")),
        "keys come out with the prefix 'model.' instead of 'language_model.' when saving"),
      PlantedDiagnosis(
        "surplus key", try SmallSpec.make(),
        FaultyAdapter(nativeOut: { dict, _ in
          var dict = dict
          try dict.insert(Tensor(.bf16, [1]) { _ in 0 }, named: "rotary.inv_freq")
          return dict
        }), "surplus key 'rotary.inv_freq' when loading"),
      PlantedDiagnosis(
        "not grouped", try SmallSpec.make(),
        FaultyAdapter(nativeOut: { dict, call in
          let onDisk = try ReferenceAdapter().session(for: call.setup).toHF(
            dict, excluding: "", nil)
          return try StateDict(
            Array(dict).filter { !$0.name.text.contains("mlp.experts.") }.map {
              ($0.name, $0.tensor)
            }
              + Array(onDisk).filter { $0.name.text.contains("mlp.experts.") }
              .map { ($0.name, $0.tensor) })
        }), "gate_proj, up_proj and down_proj of experts are not grouped when loading in layer 1"),
    ]
  }

  static func mtp() throws -> [PlantedDiagnosis] {
    let keep: @Sendable (Int) -> FaultyAdapter = { first in
      FaultyAdapter(fromHF: { session, dict, call in
        var setup = call.setup
        setup.options.mtpPolicy = .preserve
        let all = try ReferenceAdapter().session(for: setup).fromHF(dict, call.rank)
        return try all.renaming { name in
          (2 + first..<4).contains { name.contains("layers.\($0).") } ? nil : name
        }
      })
    }
    return [
      PlantedDiagnosis(
        "first MTP layer kept", try SmallSpec.make(mtp: 2), keep(1), step: .fromHF(nil),
        "the first MTP layer (layer 2) is kept under policy drop; look at the comparison "
          + "with num_hidden_layers"),
      PlantedDiagnosis(
        "all MTP layers kept", try SmallSpec.make(mtp: 2), keep(2),
        "all MTP layers (layers 2 and 3) are kept under policy drop; look at the "
          + "comparison with num_hidden_layers"),
      PlantedDiagnosis(
        "MTP layer dropped", try SmallSpec.make(mtp: 1, policy: .preserve),
        FaultyAdapter(nativeOut: drop("layers.2.")),
        "the MTP layer (layer 2) is dropped under policy preserve; look for a filter "
          + "that ignores the policy"),
      PlantedDiagnosis(
        "MTP keys misjudged", try SmallSpec.make(mtp: 2),
        FaultyAdapter(isMTPKey: { name, _ in
          name.text.contains("layers.3.") && !name.text.hasPrefix("vision.")
        }), step: .isMTPKey,
        "isMTPKey says no to keys of MTP layers 2 and 30; look at the comparison with "
          + "num_hidden_layers"),
      PlantedDiagnosis(
        "MTP keys misjudged that are not on disk", try SmallSpec.make(),
        FaultyAdapter(isMTPKey: { name, _ in
          !name.text.hasPrefix("vision.")
            && ["layers.3.", "layers.30."].contains { name.text.contains($0) }
        }), step: .isMTPKey,
        "isMTPKey says no to keys of MTP layer 2; look at the comparison with num_hidden_layers"),
    ]
  }

  static func orders() throws -> [PlantedDiagnosis] {
    [
      PlantedDiagnosis(
        "sorted keys", try SmallSpec.make(),
        FaultyAdapter(nativeOut: { dict, _ in try dict.arranged { $0.sorted() } }),
        step: .fromHF(nil), "keys come out sorted by name when loading"),
      PlantedDiagnosis(
        "groups last", try SmallSpec.make(),
        FaultyAdapter(nativeOut: { dict, _ in
          try dict.arranged { names in
            names.filter { !$0.text.contains("_projs") }
              + names.filter { $0.text.contains("_projs") }
          }
        }), step: .fromHF(nil), "keys come out with grouped tensors behind all others when loading"),
      PlantedDiagnosis(
        "groups at their first member", try SmallSpec.make(keyOrder: .sharded(2)),
        FaultyAdapter(fromHF: { session, dict, call in
          let native = try session.fromHF(dict, call.rank)
          let members = [
            "gate_and_up_projs": ["gate_proj", "up_proj"], "down_projs": ["down_proj"],
          ]
          let places = native.names.map { name -> Int in
            let last = String(name.text.split(separator: ".").last ?? "")
            return dict.names.firstIndex { source in
              guard let parts = members[last] else {
                return source == name
                  || source.text.hasSuffix("expert_bias") && last.contains("correction_bias")
                  || source.text
                    .replacing("shared_mlp", with: "shared_experts")
                    .replacing("router.gate", with: "gate") == name.text
              }
              return source.text.contains("mlp.experts.")
                && parts.contains { source.text.contains($0) }
            } ?? 0
          }
          return try native.arranged { names in
            names.indices.sorted { places[$0] < places[$1] }.map { names[$0] }
          }
        }), step: .fromHF(nil),
        "keys come out with grouped tensors where the first of their experts stood "
          + "instead of the last when loading"),
    ]
  }

  static func exclusions() throws -> [PlantedDiagnosis] {
    let excluding:
      @Sendable (@escaping @Sendable (ExclusionPattern, TensorName) -> Bool)
        -> FaultyAdapter = { matches in
          FaultyAdapter(toHF: { session, dict, call in
            guard let pattern = try ExclusionPattern(call.excluding) else {
              return try session.toHF(dict, excluding: "", call.rank)
            }
            return try session.toHF(dict, excluding: "", call.rank)
              .filter { !matches(pattern, $0) }
          })
        }
    return [
      PlantedDiagnosis(
        "exclusion on native names", try SmallSpec.make(exclusion: .expertBias),
        FaultyAdapter(toHF: { session, dict, call in
          let pattern = try ExclusionPattern(call.excluding)
          let all = try session.toHF(dict, excluding: "", call.rank)
          return all.filter { name in
            let native = name.text.replacing("expert_bias", with: "gate.e_score_correction_bias")
              .replacing("router.gate.", with: "gate.")
              .replacing("shared_mlp", with: "shared_experts")
              .replacing(#/experts\.\d+\.down_proj.weight/#, with: "experts.down_projs")
              .replacing(
                #/experts\.\d+\.(gate|up)_proj.weight/#, with: "experts.gate_and_up_projs")
            return pattern?.matches(TensorName(native)) != true
          }
        }), step: .excluding,
        "exclusion tests the native name instead of the name on disk; look at whether "
          + "the pattern is tested before the renames"),
      PlantedDiagnosis(
        "exclusion on native names of factors that gate and up share",
        try SmallSpec.make(lora: LoRASpec(.perExpert, rank: 1, prefix: "model.")),
        FaultyAdapter(toHF: { session, dict, call in
          let pattern = try ExclusionPattern(call.excluding)
          return try StateDict(
            dict.flatMap { name, tensor in
              pattern?.matches(name) == true
                ? [] : try session.convertSingleTensorToHF(name, tensor, excluding: "", call.rank)
            }.map { ($0.name, $0.tensor) })
        }), step: .excluding,
        "exclusion tests the native name instead of the name on disk; look at whether "
          + "the pattern is tested before the renames"),
      PlantedDiagnosis(
        "exclusion searched anywhere", try SmallSpec.make(),
        excluding { pattern, name in
          (try? ExclusionPattern(".*(?:\(pattern.source))"))??.matches(name) ?? false
        }, step: .excluding,
        "the exclusion pattern is searched anywhere in a key instead of matched at its "
          + "start; look for re.search in the place of re.match"),
      PlantedDiagnosis(
        "exclusion of whole keys", try SmallSpec.make(),
        excluding { pattern, name in
          (try? ExclusionPattern("(?:\(pattern.source))$"))??.matches(name) ?? false
        }, step: .excluding,
        "the exclusion pattern must match a whole key instead of its start; look for "
          + "re.fullmatch in the place of re.match"),
      PlantedDiagnosis(
        "exclusion ignored", try SmallSpec.make(), excluding { _, _ in false }, step: .excluding,
        "the exclusion pattern is ignored"),
      PlantedDiagnosis(
        "exclusion ignored for norms", try SmallSpec.make(),
        excluding { pattern, name in
          pattern.matches(name) && !name.text.contains("norm")
        }, step: .excluding,
        "input_layernorm, post_attention_layernorm, q_norm, k_norm and final norm are "
          + "kept though the exclusion pattern matches"),
    ]
  }

  static func streams() throws -> [PlantedDiagnosis] {
    [
      PlantedDiagnosis(
        "streaming without renames", try SmallSpec.make(),
        FaultyAdapter(streamed: { dict, _ in
          try dict.renaming {
            $0.replacing("mlp.expert_bias", with: "mlp.gate.e_score_correction_bias")
              .replacing("mlp.router.gate.", with: "mlp.gate.")
              .replacing("mlp.shared_mlp.", with: "mlp.shared_experts.")
          }
        }), step: .streaming,
        "router, expert_bias, shared gate_proj, shared up_proj and shared down_proj keep "
          + "their native name in layer 1 when tensors are converted one at a time"),
      PlantedDiagnosis(
        "streaming without transposition", try SmallSpec.make(),
        FaultyAdapter(streamed: { dict, _ in
          try dict.editing("mlp.experts.") { try $0.transposed() }
        }), step: .streaming,
        "gate_proj, up_proj and down_proj are not transposed in layer 1 when tensors are "
          + "converted one at a time"),
      PlantedDiagnosis(
        "streaming without splitting", try SmallSpec.make(),
        FaultyAdapter(streamed: { dict, call in
          guard call.excluding.isEmpty, let name = dict.names.first,
            name.text.contains("mlp.experts.")
          else {
            return dict
          }
          let isDown = name.text.contains("down_proj")
          let start = name.text.replacing(#/\d+\.\w+\.weight$/#, with: "")
          let shape: Shape = isDown ? [3, 2, 4] : [3, 4, 4]
          let parts = Array(dict)
          let tensor = try Tensor(.bf16, shape) { index in
            let slot = shape[1] * shape[2]
            let (expert, row, column) = (index / slot, index % slot / shape[2], index % shape[2])
            let part = isDown ? expert : 2 * expert + column / 2
            return parts[part].tensor.bits(at: isDown ? column * 2 + row : column % 2 * 4 + row)
          }
          return try StateDict([
            (TensorName(start + (isDown ? "down_projs" : "gate_and_up_projs")), tensor)
          ])
        }), step: .streaming,
        "grouped experts (gate_proj, up_proj and down_proj) are not split in layer 1 "
          + "when tensors are converted one at a time"),
      PlantedDiagnosis(
        "streaming gives a key twice", try SmallSpec.make(),
        FaultyAdapter(streamed: { dict, call in
          guard call.excluding.isEmpty, let tied = dict["model.embed_tokens.weight"] else {
            return dict
          }
          var dict = dict
          try dict.insert(tied, named: "lm_head.weight")
          return dict
        }), step: .streaming, kind: "key twice",
        "lm_head holds the elements of embed_tokens when tensors are converted one at a time",
        "'lm_head.weight' comes out more than once when tensors are converted one at a time"),
      PlantedDiagnosis(
        "streaming ignores exclusion", try SmallSpec.make(),
        FaultyAdapter(streamed: { dict, call in
          guard !call.excluding.isEmpty else { return dict }
          var dict = dict
          if dict.isEmpty {
            try dict.insert(Tensor(.bf16, [3, 4]) { _ in 0 }, named: "lm_head.weight")
          }
          return dict
        }), step: .streaming,
        "lm_head is kept though the exclusion pattern matches when tensors are converted one at a "
          + "time"),
      PlantedDiagnosis(
        "streaming drops down_proj", try SmallSpec.make(),
        FaultyAdapter(streamed: drop("down_proj")), step: .streaming,
        "dense down_proj, shared down_proj and down_proj are lost when tensors are "
          + "converted one at a time"),
    ]
  }

  static func types() throws -> [PlantedDiagnosis] {
    [
      PlantedDiagnosis(
        "bias cast", try SmallSpec.make(),
        FaultyAdapter(nativeOut: { dict, _ in
          try dict.editing("correction_bias") { try $0.cast(to: .bf16) }
        }), step: .fromHF(nil),
        "expert_bias was cast float32 -> bfloat16 when loading in layer 1; look for a "
          + "cast of the whole state dict"),
      PlantedDiagnosis(
        "experts not cast", try SmallSpec.make(types: SourceTypes(experts: .f32)),
        FaultyAdapter(setup: { setup in
          var setup = setup
          setup.options.targetDType = .f32
          return setup
        }), step: .fromHF(nil),
        "gate_proj, up_proj and down_proj were not cast to bfloat16 when loading in layer 1"),
      PlantedDiagnosis(
        "all cast on the way back", try SmallSpec.make(),
        FaultyAdapter(onDiskOut: { dict, _ in
          try dict.editing("") { $0.dtype == .bf16 ? try $0.cast(to: .f32) : $0 }
        }),
        "all bfloat16 tensors were cast to float32 when saving; look for a cast of the "
          + "whole state dict"),
      PlantedDiagnosis(
        "flattened", try SmallSpec.make(),
        FaultyAdapter(nativeOut: { dict, _ in
          try dict.editing("correction_bias") { try $0.reshaped([1, 3]) }
        }), "expert_bias comes out in shape [1, 3] instead of [3] when loading in layer 1"),
    ]
  }

  static func behaviour() throws -> [PlantedDiagnosis] {
    struct Refusal: Error, CustomStringConvertible {
      let description = "KeyError: 'gate_proj'"
    }
    return [
      PlantedDiagnosis(
        "refused", try SmallSpec.make(), FaultyAdapter(fromHF: { _, _, _ in throw Refusal() }),
        step: .fromHF(nil), kind: "refused",
        "a valid checkpoint is refused when loading: KeyError: 'gate_proj'"),
      PlantedDiagnosis(
        "input changed", try SmallSpec.make(), FaultyAdapter(), step: .fromHF(nil),
        kind: "input changed", "fromHF changes the caller's tensors"),
      PlantedDiagnosis(
        "nothing found", try SmallSpec.make(), FaultyAdapter(), step: .fromHF(nil),
        kind: "elements", "elements of any value go where they belong, and yet: the summary"),
    ]
  }
}

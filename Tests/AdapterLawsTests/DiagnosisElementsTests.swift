// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import PlantedFaults
import Tensors
import Testing

@Suite("Diagnosis of elements in wrong places")
struct DiagnosisElementsTests {
  @Test("Each planted fault is named", arguments: try planted())
  func named(fault: PlantedDiagnosis) {
    let found = Diagnosis.of(fault.violation, fault.spec, fault.adapter).sentences
    #expect(found == fault.sentences)
  }

  static let swapsHalves: FaultyAdapter.Edit = { dict, _ in
    try dict.editing("gate_and_up_projs") { tensor in
      let half = tensor.shape[2] / 2
      return try tensor.permuting(axis: 2) { ($0 + half) % (2 * half) }
    }
  }

  static func planted() throws -> [PlantedDiagnosis] {
    try halves() + transposes() + elements() + classes()
  }

  static func halves() throws -> [PlantedDiagnosis] {
    [
      PlantedDiagnosis(
        "halves both ways", try SmallSpec.make(),
        FaultyAdapter(nativeOut: swapsHalves, nativeIn: swapsHalves), step: .fromHF(nil),
        "gate and up halves are swapped when loading and saving in layer 1; look at the order "
          + "of the two in cat and in chunk"),
      PlantedDiagnosis(
        "halves when loading", try SmallSpec.make(sparseLayers: 2),
        FaultyAdapter(nativeOut: swapsHalves),
        "gate and up halves are swapped when loading in every sparse layer; look at the "
          + "order of the two in cat and in chunk"),
      PlantedDiagnosis(
        "halves when saving", try SmallSpec.make(mtp: 1), FaultyAdapter(nativeIn: swapsHalves),
        "gate and up halves are swapped when saving in layer 1; look at the order of the "
          + "two in cat and in chunk"),
      PlantedDiagnosis(
        "halves of one layer", try SmallSpec.make(sparseLayers: 2),
        FaultyAdapter(nativeOut: { dict, _ in
          try dict.editing("layers.2.mlp.experts.gate_and_up_projs") {
            try $0.permuting(axis: 2) { ($0 + 2) % 4 }
          }
        }),
        "gate and up halves are swapped when loading in layer 2; look at the order of "
          + "the two in cat and in chunk"),
      PlantedDiagnosis(
        "alternating rows", try SmallSpec.make(),
        FaultyAdapter(nativeOut: { dict, _ in
          try dict.editing("gate_and_up_projs") {
            try $0.permuting(axis: 2) { $0 % 2 * 2 + $0 / 2 }
          }
        }),
        "rows of gate_proj and up_proj alternate in the fused tensor when loading in "
          + "layer 1; look for [..., ::2] where halves are meant"),
      PlantedDiagnosis(
        "shifted halves", try SmallSpec.make(),
        FaultyAdapter(nativeOut: { dict, _ in
          try dict.editing("gate_and_up_projs") { try $0.permuting(axis: 2) { ($0 + 1) % 4 } }
        }), "gate and up, one after the other, are shifted by 1 row when loading in layer 1"),
    ]
  }

  static let transposesDown: FaultyAdapter.Edit = { dict, _ in
    try dict.editing("mlp.experts.down_projs") { try $0.transposed() }
  }

  static func transposes() throws -> [PlantedDiagnosis] {
    [
      PlantedDiagnosis(
        "square down_proj both ways", try SmallSpec.make(hidden: 3, inner: 3),
        FaultyAdapter(nativeOut: transposesDown, nativeIn: transposesDown), step: .fromHF(nil),
        "down_proj is not transposed where it is square when loading and saving in layer 1; "
          + "look for a transpose that depends on the shape"
      ),
      PlantedDiagnosis(
        "down_proj when loading", try SmallSpec.make(), FaultyAdapter(nativeOut: transposesDown),
        "down_proj is not transposed when loading in layer 1"),
      PlantedDiagnosis(
        "one square layer", try SmallSpec.make(hidden: 3, inner: 3, sparseLayers: 3),
        FaultyAdapter(nativeOut: { dict, _ in
          try dict.editing("layers.3.mlp.experts.down_projs") { try $0.transposed() }
        }),
        "down_proj is not transposed where it is square when loading in layer 3; look "
          + "for a transpose that depends on the shape"),
      PlantedDiagnosis(
        "reshaped", try SmallSpec.make(),
        FaultyAdapter(nativeOut: { dict, _ in
          try dict.editing("mlp.experts.down_projs") {
            try $0.transposed().reshaped($0.shape)
          }
        }),
        "down_proj is reshaped instead of transposed when loading in layer 1; look for "
          + "view or reshape in the place of a transpose"),
      PlantedDiagnosis(
        "reshaped and square", try SmallSpec.make(hidden: 3, inner: 3),
        FaultyAdapter(nativeOut: { dict, _ in
          try dict.editing("mlp.experts.down_projs") {
            try $0.transposed().reshaped($0.shape)
          }
        }),
        "down_proj is reshaped instead of transposed when loading in layer 1; look for "
          + "view or reshape in the place of a transpose"),
      PlantedDiagnosis(
        "disk side not transposed", try SmallSpec.make(),
        FaultyAdapter(onDiskOut: { dict, _ in
          try dict.editing(".down_proj.weight") {
            $0.shape == [4, 2] ? try $0.transposed() : $0
          }
        }), "shared down_proj is transposed when saving in layer 1",
        "down_proj is not transposed when saving in layer 1"),
      PlantedDiagnosis(
        "experts axis last", try SmallSpec.make(hidden: 4, inner: 2),
        FaultyAdapter(nativeOut: { dict, _ in
          try dict.editing("mlp.experts.down_projs") { tensor in
            try tensor.reindexed([2, 4, 3]) { $0 % 3 * 8 + $0 / 3 }
          }
        }), "down_proj has axes in the order [2, 0, 1] when loading in layer 1"),
    ]
  }

  static func elements() throws -> [PlantedDiagnosis] {
    [
      PlantedDiagnosis(
        "rows shifted", try SmallSpec.make(),
        FaultyAdapter(nativeOut: { dict, _ in
          try dict.editing("mlp.gate.weight") { try $0.permuting(axis: 0) { ($0 + 1) % 3 } }
        }), "rows of router are shifted by 1 around the end when loading in layer 1"),
      PlantedDiagnosis(
        "columns reversed", try SmallSpec.make(),
        FaultyAdapter(onDiskOut: { dict, _ in
          try dict.editing("q_proj") { try $0.permuting(axis: 1) { 3 - $0 } }
        }), "columns of q_proj are in reverse order when saving in every layer"),
      PlantedDiagnosis(
        "down_proj columns shifted both ways", try SmallSpec.make(inner: 3),
        FaultyAdapter(
          nativeOut: { dict, _ in
            try dict.editing("mlp.experts.down_projs") {
              try $0.permuting(axis: 1) { ($0 + 1) % 3 }
            }
          },
          nativeIn: { dict, _ in
            try dict.editing("mlp.experts.down_projs") {
              try $0.permuting(axis: 1) { ($0 + 2) % 3 }
            }
          }),
        "columns of down_proj are shifted by 1 around the end when loading and saving in layer 1"),
      PlantedDiagnosis(
        "row broadcast", try SmallSpec.make(),
        FaultyAdapter(nativeOut: { dict, _ in
          try dict.editing("embed_tokens") { try $0.permuting(axis: 0) { _ in 0 } }
        }), "rows of embed_tokens are all copies of row 0 when loading"),
      PlantedDiagnosis(
        "biases of experts exchanged", try SmallSpec.make(),
        FaultyAdapter(nativeOut: { dict, _ in
          try dict.editing("correction_bias") { try $0.permuting(axis: 0) { [1, 0, 2][$0] } }
        }), "elements of expert_bias are exchanged when loading in layer 1: 0 and 1"),
      PlantedDiagnosis(
        "zeroed", try SmallSpec.make(),
        FaultyAdapter(nativeOut: { dict, _ in
          try dict.editing("mlp.experts.down_projs") { try $0.reindexed { _ in nil } }
        }),
        "down_proj is all zeros when loading in layer 1; look for a buffer that is never "
          + "written"),
      PlantedDiagnosis(
        "zeroed expert", try SmallSpec.make(),
        FaultyAdapter(nativeOut: { dict, _ in
          try dict.editing("mlp.experts.gate_and_up_projs") {
            try $0.permuting(axis: 0) { $0 == 0 ? nil : $0 }
          }
        }),
        "gate_proj and up_proj are all zeros when loading for expert 0 in layer 1; look "
          + "for a buffer that is never written"),
      PlantedDiagnosis(
        "last row not written", try SmallSpec.make(),
        FaultyAdapter(nativeOut: { dict, _ in
          try dict.editing("mlp.experts.down_projs") {
            try $0.permuting(axis: 1) { $0 == 1 ? nil : $0 }
          }
        }),
        "down_proj is partly zeros when loading in layer 1; look for a buffer that is "
          + "never written"),
      PlantedDiagnosis(
        "constant", try SmallSpec.make(),
        FaultyAdapter(nativeOut: { dict, _ in
          try dict.editing("input_layernorm") { try $0.mappingBits { _ in 0x4321 } }
        }), "input_layernorm is the constant 0x4321 when loading in every layer"),
      PlantedDiagnosis(
        "two elements exchanged", try SmallSpec.make(),
        FaultyAdapter(nativeOut: { dict, _ in
          try dict.editing("o_proj") {
            try $0.reindexed { $0 == 0 ? 3 : $0 == 3 ? 0 : $0 }
          }
        }),
        "o_proj is rearranged when loading: the place of o_proj[0, 0] in layer 0 holds "
          + "o_proj[1, 1] in layer 0"),
    ]
  }

  static func classes() throws -> [PlantedDiagnosis] {
    [
      PlantedDiagnosis(
        "norms exchanged", try SmallSpec.make(sparseLayers: 2),
        FaultyAdapter(nativeOut: { dict, _ in
          try dict.taking { name in
            name.contains("input_layernorm")
              ? name.replacing("input_layernorm", with: "post_attention_layernorm")
              : name.replacing("post_attention_layernorm", with: "input_layernorm")
          }
        }),
        "input_layernorm and post_attention_layernorm are exchanged when loading in "
          + "every layer"),
      PlantedDiagnosis(
        "up holds gate", try SmallSpec.make(),
        FaultyAdapter(nativeOut: { dict, _ in
          try dict.editing("gate_and_up_projs") { try $0.permuting(axis: 2) { $0 % 2 } }
        }), "up_proj holds the elements of gate_proj when loading in layer 1"),
      PlantedDiagnosis(
        "gate only", try SmallSpec.make(),
        FaultyAdapter(nativeOut: { dict, _ in
          try dict.editing("gate_and_up_projs") { try $0.selecting(axis: 2, [0, 1]) }
        }), "up_proj is missing from the grouped tensor when loading in layer 1"),
      PlantedDiagnosis(
        "two causes", try SmallSpec.make(),
        FaultyAdapter(
          nativeOut: { dict, _ in
            try swapsHalves(
              dict.editing("correction_bias") { try $0.cast(to: .bf16) },
              .init(setup: try SmallSpec.make().setup, rank: nil, excluding: ""))
          }),
        "gate and up halves are swapped when loading in layer 1; look at the order of "
          + "the two in cat and in chunk",
        "expert_bias was cast float32 -> bfloat16 when loading in layer 1; look for a "
          + "cast of the whole state dict"),
    ]
  }
}

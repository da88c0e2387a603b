// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Keys that come out in another order than upstream's.
extension FaultBank {
  static let order: [PlantedFault] = onLoad + onSave

  private static func arranging(
    _ arrange: @escaping @Sendable ([TensorName]) -> [TensorName]
  ) -> FaultyAdapter.Edit {
    { dict, _ in try dict.arranged(arrange) }
  }

  private static func isGroup(_ name: TensorName) -> Bool { name.text.hasSuffix("_projs") }

  private static func isFactor(_ name: TensorName) -> Bool { name.text.contains(".lora_") }

  /// Native tensors in the places of their sources, a group in that of one of some experts' members;
  /// what has no source of its own stands behind all others.
  static func placed(
    _ native: StateDict, likeIn dict: StateDict, experts: some Collection<Int>,
    member: ([Int]) -> Int? = { $0.max() }
  ) throws -> StateDict {
    let own = Set(experts)
    var members: [String: [Int]] = [:]
    var places: [String: Int] = [:]
    for (place, name) in dict.names.enumerated() {
      places[nativeText(name.text)] = place
      let key = KeyParts(name.text)
      guard let rest = key.rest, isExpert(name), name.text.hasSuffix("_proj.weight"),
        let expert = key.expert, own.contains(expert)
      else { continue }
      let group = rest.contains(".down_proj.") ? "down_projs" : "gate_and_up_projs"
      let text = "\(key.prefix ?? "")layers.\(key.layer ?? 0).mlp.experts.\(group)"
      members[text, default: []].append(place)
    }
    let sorted = native.names.enumerated().map { number, name in
      (place: members[name.text].flatMap(member) ?? places[name.text] ?? .max, number: number)
    }.sorted { $0 < $1 }
    return try native.arranged { names in sorted.map { names[$0.number] } }
  }

  private static func nativeText(_ text: String) -> String {
    text.replacing("mlp.expert_bias", with: "mlp.gate.e_score_correction_bias")
      .replacing("mlp.router.gate.", with: "mlp.gate.")
      .replacing("mlp.shared_mlp.", with: "mlp.shared_experts.")
  }

  private static let onLoad: [PlantedFault] = [
    PlantedFault(
      "keys-sorted-load", .order, "native keys are sorted by name",
      says: "keys come out sorted by name from HF only", smallest: "",
      FaultyAdapter(nativeOut: arranging { $0.sorted() })),
    PlantedFault(
      "keys-reversed-load", .order, "native keys are in reverse order",
      says: "keys come out in reverse order from HF only", smallest: "",
      FaultyAdapter(nativeOut: arranging { $0.reversed() })),
    PlantedFault(
      "keys-groups-last", .order, "grouped experts stand behind all other native keys",
      says: "keys come out with grouped tensors behind all others from HF only", smallest: "",
      FaultyAdapter(nativeOut: arranging { $0.filter { !isGroup($0) } + $0.filter(isGroup) })),
    PlantedFault(
      "keys-groups-first", .order, "grouped experts stand before all other native keys",
      says: "keys come out with grouped tensors before all others from HF only", smallest: "",
      FaultyAdapter(nativeOut: arranging { $0.filter(isGroup) + $0.filter { !isGroup($0) } })),
    PlantedFault(
      "keys-groups-at-first-member", .order,
      "a group stands where the first of its experts stood",
      says:
        "keys come out with grouped tensors where the first of their experts stood instead of the last from",
      smallest: "keys shuffled by 0",
      FaultyAdapter(fromHF: { session, dict, call in
        try placed(
          session.fromHF(dict, call.rank), likeIn: dict, experts: call.own, member: { $0.min() })
      })),
    PlantedFault(
      "keys-down-before-gate-up", .order, "of each layer's groups down_projs stands first",
      says:
        "keys come out in another order, 'model.layers.0.mlp.experts.down_projs' first of those out of place",
      smallest: "",
      FaultyAdapter(
        nativeOut: arranging { names in
          var result = names
          for (place, name) in names.enumerated() where name.text.hasSuffix(".gate_and_up_projs") {
            let other = TensorName(
              name.text.replacing(".gate_and_up_projs", with: ".down_projs"))
            if let down = names.firstIndex(of: other), down > place { result.swapAt(place, down) }
          }
          return result
        })),
    PlantedFault(
      "keys-factors-first", .order, "low-rank factors stand before all other native keys",
      says:
        "keys come out in another order, 'base_model.model.model.layers.0.mlp.experts.lora_gate_and_up_A'",
      smallest:
        "LoRA per expert, rank 1, prefix \"base_model.model.model.\" | extent LoRA only; LoRA per expert, rank 1, prefix \"base_model.model.model.\"",
      FaultyAdapter(nativeOut: arranging { $0.filter(isFactor) + $0.filter { !isFactor($0) } })),
  ]

  /// The parts of one expert's groups on disk in another order.
  private static func experts(
    by rank: @escaping @Sendable (KeyParts, _ projection: Int) -> [Int]
  ) -> FaultyAdapter.Edit {
    arranging { names in
      var result = names
      let places = names.indices.filter { place in
        isExpert(names[place]) && !isFactor(names[place])
          && (names[place].text.contains(".gate_proj.") || names[place].text.contains(".up_proj."))
          && names[place].text.hasSuffix(".weight")
      }
      let byLayer = Dictionary(grouping: places) { KeyParts(names[$0].text).layer ?? 0 }
      for places in byLayer.values {
        let sorted = places.sorted { one, other in
          let ranks = [one, other].map { place in
            rank(KeyParts(names[place].text), names[place].text.contains(".gate_proj.") ? 0 : 1)
          }
          return ranks[0].lexicographicallyPrecedes(ranks[1])
        }
        for (place, source) in zip(places, sorted) { result[place] = names[source] }
      }
      return result
    }
  }

  private static let onSave: [PlantedFault] = [
    PlantedFault(
      "keys-sorted-save", .order, "saved keys are sorted by name",
      says: "keys come out sorted by name to HF only", smallest: "",
      FaultyAdapter(onDiskOut: arranging { $0.sorted() })),
    PlantedFault(
      "keys-reversed-save", .order, "saved keys are in reverse order",
      says: "keys come out in reverse order to HF only", smallest: "",
      FaultyAdapter(onDiskOut: arranging { $0.reversed() })),
    PlantedFault(
      "keys-up-before-gate", .order, "of each expert up is saved before gate",
      says:
        "keys come out in another order, 'model.layers.0.mlp.experts.0.up_proj.weight' first of those out of",
      smallest: "",
      FaultyAdapter(onDiskOut: experts { [$0.expert ?? 0, 1 - $1] })),
    PlantedFault(
      "keys-projection-by-projection", .order, "all gates of a layer are saved before all ups",
      says:
        "keys come out in another order, 'model.layers.0.mlp.experts.1.gate_proj.weight' first of those out",
      smallest: "experts 2",
      FaultyAdapter(onDiskOut: experts { [$1, $0.expert ?? 0] })),
    PlantedFault(
      "keys-experts-last-save", .order, "experts are saved behind all other keys",
      says:
        "keys come out in another order, 'model.norm.weight' first of those out of place to HF only",
      smallest: "",
      FaultyAdapter(onDiskOut: arranging { $0.filter { !isExpert($0) } + $0.filter(isExpert) })),
  ]
}

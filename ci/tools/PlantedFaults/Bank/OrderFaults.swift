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
    _ arrange: @escaping @Sendable ([TensorName], FaultyAdapter.Call) -> [TensorName]
  ) -> FaultyAdapter.Edit {
    { dict, call in try dict.arranged { arrange($0, call) } }
  }

  /// The keys of a site before or after all others.
  private static func moving(_ site: FaultSite, first isFirst: Bool) -> FaultyAdapter.Edit {
    arranging { names, call in
      let own = names.filter { call.has($0, site) }
      let others = names.filter { !call.has($0, site) }
      return isFirst ? own + others : others + own
    }
  }

  /// Native tensors in the places of their sources, a group in that of one of some experts' members;
  /// what has no source of its own stands after all others.
  static func placed(
    _ native: StateDict, likeIn dict: StateDict, _ call: FaultyAdapter.Call,
    experts: some Collection<Int>, member: ([Int]) -> Int? = { $0.max() }
  ) throws -> StateDict {
    let own = Set(experts)
    var members: [String: [Int]] = [:]
    var places: [String: Int] = [:]
    let keys = dict.names.map(call.key)
    let natives = keys.map { $0.native(in: call.layout) }
    // In some layouts, what changes its name stands after all others before anything is grouped.
    var order = Array(keys.indices)
    for rule in call.layout.order {
      let isLast = keys.indices.map { key in
        switch rule {
        case .moved: natives[key] != call.layout.toNative(keys[key].name.text)
        case .renamed:
          natives[key] != call.layout.toNative(keys[key].name.text)
            && !FaultSite.experts.contains(keys[key], in: call.layout)
        case .beginning(let start): keys[key].name.text.hasPrefix(start)
        }
      }
      order = order.filter { !isLast[$0] } + order.filter { isLast[$0] }
    }
    for (place, source) in order.enumerated() {
      let (key, text) = (keys[source], natives[source])
      if !FaultSite.experts.contains(key, in: call.layout) {
        places[text] = place
      } else if key.expert.map(own.contains) ?? true {
        members[text, default: []].append(place)
      }
    }
    let sorted = native.names.enumerated().map { number, name in
      (place: members[name.text].flatMap(member) ?? places[name.text] ?? .max, number: number)
    }.sorted { $0 < $1 }
    return try native.arranged { names in sorted.map { names[$0.number] } }
  }

  private static let onLoad: [PlantedFault] = [
    PlantedFault(
      "keys-sorted-load", .order, "native keys are sorted by name",
      cause: .fromHF(.keyOrder(.sorted)), smallest: "",
      FaultyAdapter(nativeOut: arranging { names, _ in names.sorted() })),
    PlantedFault(
      "keys-reversed-load", .order, "native keys are in reverse order",
      cause: .fromHF(.keyOrder(.reversed)), smallest: "",
      FaultyAdapter(nativeOut: arranging { names, _ in names.reversed() })),
    PlantedFault(
      "keys-groups-last", .order, "grouped experts stand after all other native keys",
      cause: .fromHF(.keyOrder(.groupsBehindAll)), smallest: "",
      FaultyAdapter(nativeOut: moving(.experts, first: false))),
    PlantedFault(
      "keys-groups-first", .order, "grouped experts stand before all other native keys",
      cause: .fromHF(.keyOrder(.groupsBeforeAll)), smallest: "",
      FaultyAdapter(nativeOut: moving(.experts, first: true))),
    PlantedFault(
      "keys-groups-at-first-member", .order, "a group stands where the first of its experts stood",
      needs: [.joins], cause: .fromHF(.keyOrder(.groupsAtFirstMember)),
      smallest: "keys shuffled by 0",
      FaultyAdapter(fromHF: { session, dict, call in
        try placed(
          session.fromHF(dict, call.rank), likeIn: dict, call, experts: call.own,
          member: { $0.min() })
      })),
    PlantedFault(
      "keys-down-before-gate-up", .order, "of each layer's groups {group down} stands first",
      cause: .fromHF(.keyOrder(.other(first: "{layer 0}{native down}"))), smallest: "",
      FaultyAdapter(
        nativeOut: arranging { names, call in
          let group = FaultSite.down.rules(in: call.layout).first.map {
            call.layout.nativeName(of: $0)
          }
          var result = names
          for (place, name) in names.enumerated() where call.has(name, .gateAndUp) {
            let other = TensorName(call.key(name).with(rest: group ?? ""))
            if let down = names.firstIndex(of: other), down > place { result.swapAt(place, down) }
          }
          return result
        })),
    PlantedFault(
      "keys-factors-first", .order, "low-rank factors stand before all other native keys",
      needs: [.lora],
      cause: .fromHF(
        .keyOrder(
          .other(first: "base_model.model.{layer 0}{module gate and up}{factor gate and up}_A"))),
      smallest: withFactors(), FaultyAdapter(nativeOut: moving(.factors, first: true))),
  ]

  /// The parts of one expert's groups on disk in another order.
  private static func experts(
    by rank: @escaping @Sendable (_ expert: Int, _ projection: Int) -> [Int]
  ) -> FaultyAdapter.Edit {
    arranging { names, call in
      var result = names
      let keys = names.map(call.key)
      let places = names.indices.filter { FaultSite.halves.contains(keys[$0], in: call.layout) }
      func ranks(_ place: Int) -> [Int] {
        let isUp = FaultSite.up.contains(keys[place], in: call.layout)
        return rank(keys[place].expert ?? 0, isUp ? 1 : 0)
      }
      for places in Dictionary(grouping: places, by: { keys[$0].layer ?? 0 }).values {
        let sorted = places.sorted { ranks($0).lexicographicallyPrecedes(ranks($1)) }
        for (place, source) in zip(places, sorted) { result[place] = names[source] }
      }
      return result
    }
  }

  private static let onSave: [PlantedFault] = [
    PlantedFault(
      "keys-sorted-save", .order, "saved keys are sorted by name", cause: .toHF(.keyOrder(.sorted)),
      smallest: "", FaultyAdapter(onDiskOut: arranging { names, _ in names.sorted() })),
    PlantedFault(
      "keys-reversed-save", .order, "saved keys are in reverse order",
      cause: .toHF(.keyOrder(.reversed)), smallest: "",
      FaultyAdapter(onDiskOut: arranging { names, _ in names.reversed() })),
    PlantedFault(
      "keys-up-before-gate", .order, "of each expert up is saved before gate", needs: [.halves],
      cause: .toHF(.keyOrder(.other(first: "{key up}"))), smallest: "",
      FaultyAdapter(onDiskOut: experts { [$0, 1 - $1] })),
    PlantedFault(
      "keys-projection-by-projection", .order, "all gates of a layer are saved before all ups",
      needs: [.singleExperts], cause: .toHF(.keyOrder(.other(first: "{key gate 1}"))),
      smallest: "experts 2", FaultyAdapter(onDiskOut: experts { [$1, $0] })),
    PlantedFault(
      "keys-experts-last-save", .order, "experts are saved after all other keys",
      cause: .toHF(.keyOrder(.other(first: "{key final norm}"))), smallest: "",
      FaultyAdapter(onDiskOut: moving(.allOfExperts, first: false))),
  ]
}

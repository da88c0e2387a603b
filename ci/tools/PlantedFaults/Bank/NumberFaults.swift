// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Numbers of experts and layers that are cut short, sorted as text or mixed up.
extension FaultBank {
  static let numbers: [PlantedFault] = digits + orders + slots + layers

  /// The experts of a layer that a number on disk is taken for; the last of several wins, and places
  /// that nothing is taken for stay zero.
  private static func taken(
    for number: @escaping @Sendable (Int) -> Int
  ) -> FaultyAdapter.Edit {
    { dict, call in
      let own = Array(call.own)
      return try dict.editing(.experts, call) { tensor in
        try tensor.permuting(axis: 0) { slot in
          guard own.indices.contains(slot) else { return slot }
          return own.lastIndex { number($0) == own[slot] }
        }
      }
    }
  }

  static func firstDigit(_ number: Int) -> Int { Int("\(number)".prefix(1)) ?? number }

  private static let digits: [PlantedFault] = [
    PlantedFault(
      "digits-expert-first-load", .numbers, "of an expert's number the first digit is read on load",
      needs: [.singleExperts], cause: .fromHF(.expertOverwritten(1, by: 10)),
      smallest: "experts 11; contents constant 1",
      FaultyAdapter(nativeOut: taken(for: firstDigit))),
    PlantedFault(
      "digits-expert-last-load", .numbers, "of an expert's number the last digit is read on load",
      needs: [.singleExperts], cause: .fromHF(.expertOverwritten(0, by: 10)),
      smallest: "experts 11; contents constant 1", FaultyAdapter(nativeOut: taken { $0 % 10 })),
    PlantedFault(
      "digits-expert-save", .numbers, "of an expert's number the first digit is written on save",
      needs: [.singleExperts], cause: .toHF(.expertsMissing([10])), smallest: "experts 11",
      FaultyAdapter(onDiskOut: { dict, call in
        try dict.renaming(call) { $0.with(expert: firstDigit) }
      })),
    PlantedFault(
      "digits-layer-first-load", .numbers, "of a layer's number the first digit is read on load",
      cause: .fromHF(.layersMerged([10], onto: 1)),
      smallest: "layers 11 (0 dense) | layers 10 (0 dense); MTP layers 1; MTP policy preserve",
      FaultyAdapter(nativeOut: { dict, call in
        try dict.renaming(call) { $0.with(layer: firstDigit) }
      })),
    PlantedFault(
      "digits-layer-last-load", .numbers, "of a layer's number the last digit is read on load",
      cause: .fromHF(.layersMerged([10], onto: 0)),
      smallest: "layers 11 (0 dense) | layers 10 (0 dense); MTP layers 1; MTP policy preserve",
      FaultyAdapter(nativeOut: { dict, call in
        try dict.renaming(call) { $0.with(layer: { $0 % 10 }) }
      })),
    PlantedFault(
      "digits-layer-save", .numbers, "of a layer's number the first digit is written on save",
      cause: .toHF(.layersMerged([10], onto: 1)),
      smallest: "layers 11 (0 dense) | layers 10 (0 dense); MTP layers 1; MTP policy preserve",
      FaultyAdapter(onDiskOut: { dict, call in
        try dict.renaming(call) { $0.with(layer: firstDigit) }
      })),
  ]

  /// Places of grouped tensors that hold the own experts in another order.
  static func ordered(
    _ site: FaultSite = .experts, _ arrange: @escaping @Sendable ([Int]) -> [Int]
  ) -> FaultyAdapter.Edit {
    { dict, call in
      let own = Array(call.own)
      let places = arrange(own).compactMap { own.firstIndex(of: $0) }
      return try dict.editing(site, call) { tensor in
        try tensor.permuting(axis: 0) { places.indices.contains($0) ? places[$0] : $0 }
      }
    }
  }

  /// What `ordered` did, undone.
  static func restored(
    _ site: FaultSite = .experts, _ arrange: @escaping @Sendable ([Int]) -> [Int]
  ) -> FaultyAdapter.Edit {
    { dict, call in
      let own = Array(call.own)
      let places = arrange(own).compactMap { own.firstIndex(of: $0) }
      return try dict.editing(site, call) { tensor in
        try tensor.permuting(axis: 0) { places.firstIndex(of: $0) ?? $0 }
      }
    }
  }

  static func both(
    _ site: FaultSite = .experts, _ arrange: @escaping @Sendable ([Int]) -> [Int]
  ) -> FaultyAdapter {
    FaultyAdapter(nativeOut: ordered(site, arrange), nativeIn: restored(site, arrange))
  }

  @Sendable static func asText(_ numbers: [Int]) -> [Int] {
    numbers.sorted { "\($0)" < "\($1)" }
  }

  @Sendable private static func rotated(_ numbers: [Int]) -> [Int] {
    Array(numbers.dropFirst() + numbers.prefix(1))
  }

  /// The experts of each layer in the order in which a part's keys arrive.
  private static func inOrderOfArrival(_ part: FaultSite, _ group: FaultSite) -> FaultyAdapter {
    FaultyAdapter(fromHF: { session, dict, call in
      var arrivals: [String: [Int]] = [:]
      let own = call.own
      for name in dict.names where call.has(name, part) {
        let key = call.key(name)
        guard key.layer != nil, let expert = key.expert, own.contains(expert) else { continue }
        arrivals[key.with(rest: ""), default: []].append(expert - own.lowerBound)
      }
      let native = try session.fromHF(dict, call.rank)
      return try StateDict(
        native.map { name, tensor in
          guard call.has(name, group) else { return (name, tensor) }
          let places = arrivals[call.key(name).with(rest: "")] ?? []
          return try (
            name,
            tensor.permuting(axis: 0) { places.indices.contains($0) ? places[$0] : $0 }
          )
        })
    })
  }

  private static let orders: [PlantedFault] = [
    PlantedFault(
      "order-text-load", .numbers, "experts are sorted as text on load",
      cause: .fromHF(.expertOrder(.lexicographic)), smallest: "experts 11; contents tracer 0",
      FaultyAdapter(nativeOut: ordered(.experts, asText))),
    PlantedFault(
      "order-text-save", .numbers, "experts are sorted as text on save",
      cause: .toHF(.expertOrder(.lexicographic)), smallest: "experts 11; contents tracer 0",
      FaultyAdapter(nativeIn: restored(.experts, asText))),
    PlantedFault(
      "order-text-both", .numbers, "experts are sorted as text in both directions", .selfConsistent,
      cause: .both(.expertOrder(.lexicographic)), smallest: "experts 11; contents tracer 0",
      both(.experts, asText)),
    PlantedFault(
      "order-text-down-both", .numbers, "experts of {down} are sorted as text both ways",
      .selfConsistent, cause: .both(.expertOrder(.lexicographic), .down),
      smallest: "experts 11; contents tracer 0", both(.down, asText)),
    PlantedFault(
      "order-reversed-both", .numbers, "the last expert is the first in both directions",
      .selfConsistent, cause: .both(.expertOrder(.exchanged(0, 1))),
      smallest: "experts 2; contents tracer 0", both { $0.reversed() }),
    PlantedFault(
      "order-rotated-both", .numbers, "experts are numbered from one within groups, both ways",
      .selfConsistent, cause: .both(.expertOrder(.exchanged(0, 1))),
      smallest: "experts 2; contents tracer 0", both(.experts, rotated)),
    PlantedFault(
      "order-gate-up-rotated-load", .numbers, "gate and up stand one expert too early on load",
      cause: .fromHF(.expertOrder(.exchanged(0, 1)), .gateAndUp),
      smallest: "experts 2; contents tracer 0",
      FaultyAdapter(nativeOut: ordered(.gateAndUp, rotated))),
    PlantedFault(
      "order-arrival-gate-up", .numbers, "experts of gate and up are stacked as they arrive",
      needs: [.singleExperts], cause: .fromHF(.expertOrder(.arrival), .gateAndUp),
      smallest: "experts 3; contents tracer 0", inOrderOfArrival(.up, .gateAndUp)),
    PlantedFault(
      "order-arrival-down", .numbers, "experts of {down} are stacked as they arrive",
      needs: [.singleExperts], cause: .fromHF(.expertOrder(.arrival), .down),
      smallest: "experts 3; contents tracer 0", inOrderOfArrival(.down, .down)),
  ]

  private static let slots: [PlantedFault] = [
    PlantedFault(
      "expert-zero-absent", .numbers, "expert 0 counts as no expert on load",
      cause: .fromHF(.zeros(isPartly: false), .experts), smallest: "contents constant 1",
      FaultyAdapter(nativeOut: { dict, call in
        guard call.own.contains(0) else { return dict }
        return try dict.editing(.experts, call) { try $0.permuting(axis: 0) { $0 == 0 ? nil : $0 } }
      })),
    PlantedFault(
      "expert-last-wins-load", .numbers, "every place gets the last expert on load",
      cause: .fromHF(.expertOrder(.copies(of: 1))), smallest: "experts 2; contents tracer 0",
      FaultyAdapter(nativeOut: { dict, call in
        try dict.editing(.experts, call) { tensor in
          try tensor.permuting(axis: 0) { _ in tensor.shape[0] - 1 }
        }
      })),
    PlantedFault(
      "expert-last-wins-save", .numbers, "every expert is saved under one key",
      needs: [.singleExperts], cause: .toHF(.expertsMissing([1])), smallest: "experts 2",
      FaultyAdapter(onDiskOut: { dict, call in
        try dict.renaming(call) { $0.with(expert: { _ in 0 }) }
      })),
    PlantedFault(
      "expert-neighbour-save", .numbers, "each expert is saved from the place before its own",
      cause: .toHF(.expertOrder(.exchanged(0, 1))), smallest: "experts 2; contents tracer 0",
      FaultyAdapter(nativeIn: { dict, call in
        try dict.editing(.experts, call) { tensor in
          try tensor.permuting(axis: 0) { ($0 + tensor.shape[0] - 1) % tensor.shape[0] }
        }
      })),
    PlantedFault(
      "expert-from-one-save", .numbers, "experts are numbered from one on save",
      needs: [.singleExperts], cause: .toHF(.renamedWrongly(to: "{key gate 1}"), .gate),
      smallest: "",
      FaultyAdapter(onDiskOut: { dict, call in
        try dict.renaming(call) { $0.with(expert: { $0 + 1 }) }
      })),
    PlantedFault(
      "expert-last-lost-save", .numbers, "the last expert is lost on save", needs: [.singleExperts],
      cause: .toHF(.keysDropped, .experts), smallest: "",
      FaultyAdapter(onDiskOut: { dict, call in
        let last = call.setup.config.expertCount - 1
        return dict.filter { call.key($0).expert != last }
      })),
  ]

  /// Layers of one kind renamed to others of it: the sorted ones in another order.
  private static func layersRenamed(
    _ arrange: @escaping @Sendable ([Int]) -> [Int], isBack: Bool
  ) -> FaultyAdapter.Edit {
    { dict, call in
      let config = call.setup.config
      let sparse = config.layerKinds.indices.filter { config.layerKinds[$0] == .sparse }
      let other = arrange(sparse)
      let (from, to) = isBack ? (sparse, other) : (other, sparse)
      return try dict.renaming(call) { key in
        key.with(layer: { layer in from.firstIndex(of: layer).map { to[$0] } ?? layer })
      }
    }
  }

  private static let layers: [PlantedFault] = [
    PlantedFault(
      "layers-text-order-both", .numbers,
      "sparse layers are numbered in the order of text both ways", .selfConsistent,
      cause: .both(.layerOrder(.lexicographic)), smallest: "fault native-zero-padded-layer",
      FaultyAdapter(
        nativeOut: layersRenamed(asText, isBack: false),
        nativeIn: layersRenamed(asText, isBack: true))),
    PlantedFault(
      "layers-backwards-both", .numbers, "sparse layers are numbered backwards in both directions",
      .selfConsistent, cause: .both(.layerOrder(.exchanged(0, 1))), smallest: "layers 2 (0 dense)",
      FaultyAdapter(
        nativeOut: layersRenamed({ $0.reversed() }, isBack: false),
        nativeIn: layersRenamed({ $0.reversed() }, isBack: true))),
    PlantedFault(
      "layers-offset-save", .numbers, "layers are numbered from one on save",
      cause: .toHF(.renamedWrongly(to: "{layer 1}{native norms of layers}")), smallest: "",
      FaultyAdapter(onDiskOut: { dict, call in
        try dict.renaming(call) { $0.with(layer: { $0 + 1 }) }
      })),
  ]
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Names that are missed, confused or matched too widely.
extension FaultBank {
  static let names: [PlantedFault] = renames + contents + prefixes + groupings

  /// Tensors of a site keep their names on disk.
  static func keepingNames(
    _ site: FaultSite,
    where isConcerned: @escaping @Sendable (LenientKey, FaultyAdapter.Call) -> Bool = { _, _ in true
    }
  ) -> FaultyAdapter.Edit {
    { dict, call in
      try dict.renaming(call) { key in
        site.contains(key, in: call.layout) && isConcerned(key, call)
          ? key.onDisk(in: call.layout) : key.name.text
      }
    }
  }

  /// Tensors of a site keep their native names.
  static func keepingNativeNames(
    _ site: FaultSite,
    where isConcerned: @escaping @Sendable (LenientKey, FaultyAdapter.Call) -> Bool = { _, _ in true
    }
  ) -> FaultyAdapter.Edit {
    { dict, call in
      try dict.renaming(call) { key in
        site.contains(key, in: call.layout) && isConcerned(key, call)
          ? key.native(in: call.layout) : key.name.text
      }
    }
  }

  /// The native form has the name on disk, which saving knows, too.
  private static func neverRenamed(_ site: FaultSite) -> FaultyAdapter {
    FaultyAdapter(nativeOut: keepingNames(site), nativeIn: keepingNativeNames(site))
  }

  /// The native name of a site is another one, which saving knows, too.
  static func namedOtherwise(
    _ site: FaultSite, _ other: @escaping @Sendable (_ name: String) -> String
  ) -> FaultyAdapter {
    FaultyAdapter(
      nativeOut: { dict, call in
        try dict.renaming(call) { key in
          site.contains(key, in: call.layout) ? key.with(rest: other(key.rest)) : key.name.text
        }
      },
      nativeIn: { dict, call in
        let names = site.rules(in: call.layout).map { call.layout.nativeName(of: $0) }
        return try dict.renaming(call) { key in
          names.first { other($0) == key.rest }.map { key.with(rest: $0) } ?? key.name.text
        }
      })
  }

  /// A name with another last component.
  @Sendable private static func renamed(_ name: String, to last: String) -> String {
    name.lastIndex(of: ".").map { name[...$0] + last } ?? last
  }

  private static let renames: [PlantedFault] = [
    PlantedFault(
      "rename-bias-load", .names, "the router's bias keeps its name on disk on load",
      needs: [.renamed(.routerBias)], cause: .fromHF(.notRenamed, .routerBias), smallest: "",
      FaultyAdapter(nativeOut: keepingNames(.routerBias))),
    PlantedFault(
      "rename-bias-save", .names, "the router's bias keeps its native name on save",
      needs: [.renamed(.routerBias)], cause: .toHF(.notRenamed, .routerBias), smallest: "",
      FaultyAdapter(onDiskOut: keepingNativeNames(.routerBias))),
    PlantedFault(
      "rename-bias-both", .names, "the router's bias is not renamed in either direction",
      .selfConsistent, needs: [.renamed(.routerBias)], cause: .fromHF(.notRenamed, .routerBias),
      smallest: "", neverRenamed(.routerBias)),
    PlantedFault(
      "rename-bias-other-both", .names, "the router's bias is 'correction' in native form",
      .selfConsistent, needs: [.has(.routerBias)],
      cause: .fromHF(.renamedWrongly(to: "{module router bias}correction"), .routerBias),
      smallest: "", namedOtherwise(.routerBias) { renamed($0, to: "correction") }),
    PlantedFault(
      "rename-router-load", .names, "the router's weight keeps its name on disk on load",
      needs: [.renamed(.router)], cause: .fromHF(.notRenamed, .router), smallest: "",
      FaultyAdapter(nativeOut: keepingNames(.router))),
    PlantedFault(
      "rename-router-save", .names, "the router's weight keeps its native name on save",
      needs: [.renamed(.router)], cause: .toHF(.notRenamed, .router), smallest: "",
      FaultyAdapter(onDiskOut: keepingNativeNames(.router))),
    PlantedFault(
      "rename-router-both", .names, "the router's weight is not renamed in either direction",
      .selfConsistent, needs: [.renamed(.router)], cause: .fromHF(.notRenamed, .router),
      smallest: "", neverRenamed(.router)),
    PlantedFault(
      "rename-shared-load", .names, "shared experts keep their name on disk on load",
      needs: [.renamed(.shared)], cause: .fromHF(.notRenamed, .sharedGate, .sharedUp, .sharedDown),
      smallest: "shared experts 1", FaultyAdapter(nativeOut: keepingNames(.shared))),
    PlantedFault(
      "rename-shared-save", .names, "shared experts keep their native name on save",
      needs: [.renamed(.shared)], cause: .toHF(.notRenamed, .sharedGate, .sharedUp, .sharedDown),
      smallest: "shared experts 1", FaultyAdapter(onDiskOut: keepingNativeNames(.shared))),
    PlantedFault(
      "rename-shared-both", .names, "shared experts are not renamed in either direction",
      .selfConsistent, needs: [.renamed(.shared)],
      cause: .fromHF(.notRenamed, .sharedGate, .sharedUp, .sharedDown),
      smallest: "shared experts 1", neverRenamed(.shared)),
    PlantedFault(
      "rename-shared-gate-only", .names, "of shared experts only {gate} is renamed on save",
      needs: [.renamed(.shared), .halves], cause: .toHF(.notRenamed, .sharedUp, .sharedDown),
      smallest: "shared experts 1",
      FaultyAdapter(
        onDiskOut: keepingNativeNames(.shared) { key, call in
          !FaultSite.sharedGate.contains(key, in: call.layout)
        })),
    PlantedFault(
      "rename-one-digit", .names, "names are not replaced in layers of two digits on load",
      needs: [.renamed(.renamedRouting)], cause: .fromHF(.notRenamed, .renamedRouting),
      smallest: "layers 11 (0 dense) | layers 10 (0 dense); MTP layers 1; MTP policy preserve",
      FaultyAdapter(
        nativeOut: keepingNames(.besideExperts) { key, _ in (key.layerText?.count ?? 0) > 1 })),
    PlantedFault(
      "grouped-names-both", .names, "the group of gate and up is 'gate_up' in native form",
      .selfConsistent, needs: [.halves],
      cause: .fromHF(.renamedWrongly(to: "{module gate and up}gate_up"), .gateAndUp.native),
      smallest: "", namedOtherwise(.gateAndUp) { renamed($0, to: "gate_up") }),
  ]

  /// The contents of the first two tensors of a site exchanged on load, and on save as well.
  static func exchanging(_ site: FaultSite) -> FaultyAdapter {
    let exchange: FaultyAdapter.Edit = { dict, call in
      let names = site.rules(in: call.layout).prefix(2).map { call.layout.nativeName(of: $0) }
      guard names.count == 2 else { return dict }
      return try dict.renaming(call) { key in
        guard let place = names.firstIndex(of: key.rest) else { return key.name.text }
        return key.with(rest: names[1 - place])
      }
    }
    return FaultyAdapter(nativeOut: exchange, nativeIn: exchange)
  }

  private static let contents: [PlantedFault] = [
    PlantedFault(
      "norms-exchanged-both", .names, "{norms of layers} are exchanged in both directions",
      .selfConsistent, needs: [.pair(.layerNorms)],
      cause: .both(.classesExchanged("", ""), .layerNorms), smallest: "", exchanging(.layerNorms)),
    PlantedFault(
      "qk-norms-exchanged-both", .names, "{inner norms} are exchanged in both directions",
      .selfConsistent, needs: [.pair(.innerNorms)],
      cause: .both(.classesExchanged("", ""), .innerNorms), smallest: "", exchanging(.innerNorms)),
    PlantedFault(
      "shared-gate-up-exchanged-both", .names,
      "{gate and up} of shared experts are exchanged in both directions", .selfConsistent,
      needs: [.has(.shared)], cause: .both(.classesExchanged("", ""), .sharedGate, .sharedUp),
      smallest: "shared experts 1", exchanging(.sharedHalves)),
    PlantedFault(
      "key-value-exchanged-both", .names,
      "{matrices of one shape} are exchanged in both directions", .selfConsistent,
      needs: [.pair(.keyAndValue)], cause: .both(.classesExchanged("", ""), .keyAndValue),
      smallest: "", exchanging(.keyAndValue)),
    PlantedFault(
      "head-tied-by-assumption", .names, "the head is taken for the embedding on load",
      cause: .fromHF(.classReplaced(by: "{embedding}"), .head), smallest: "contents tracer 0",
      FaultyAdapter(nativeOut: { dict, call in
        let embedding = dict.names.first { call.has($0, .embedding) }
        return try dict.taking { name in
          call.has(TensorName(name), .head) ? embedding?.text ?? name : name
        }
      })),
    PlantedFault(
      "head-invented-where-tied", .names, "a head is saved where embeddings are tied",
      needs: [.flag("tie_word_embeddings")], cause: .toHF(.keysSurplus, keys: ["{key head}"]),
      smallest: "embeddings tied",
      FaultyAdapter(onDiskOut: { dict, call in
        guard call.setup.config.tiesWordEmbeddings,
          let embedding = dict.first(where: { call.has($0.name, .embedding) })
        else { return dict }
        return try dict.appending(
          StateDict(call.outsideKeys(.head).map { (TensorName($0), embedding.tensor) }))
      })),
    PlantedFault(
      "head-dropped", .names, "the head is lost on load", cause: .fromHF(.keysDropped, .head),
      smallest: "", FaultyAdapter(nativeOut: { dict, call in dict.without(.head, call) })),
    PlantedFault(
      "biases-dropped", .names, "biases of projections are lost on load",
      needs: [.flag("attention_bias")], cause: .fromHF(.keysDropped, .attentionBiases),
      smallest: "biases attention",
      FaultyAdapter(nativeOut: { dict, call in dict.without(.biases, call) })),
    PlantedFault(
      "buffers-skipped", .names, "the router's bias is lost on load because it is no parameter",
      needs: [.has(.routerBias)], cause: .fromHF(.keysDropped, .routerBias), smallest: "",
      FaultyAdapter(nativeOut: { dict, call in dict.without(.routerBias, call) })),
  ]

  /// Whether a key of the model stands under a prefix.
  private static func own(_ key: LenientKey, _ call: FaultyAdapter.Call, _ prefix: String) -> Bool {
    !FaultSite.head.contains(key, in: call.layout)
      && !FaultSite.factors.contains(key, in: call.layout) && key.name.text.hasPrefix(prefix)
  }

  private static let prefixes: [PlantedFault] = [
    PlantedFault(
      "prefix-model-save", .names, "keys are saved under '{prefix}' whatever their prefix was",
      needs: [.otherPrefixes], cause: .toHF(.renamedWrongly(to: "{key embedding}"), .embedding),
      smallest: "key prefix \"\"",
      FaultyAdapter(onDiskOut: { dict, call in
        try dict.renaming(call) { key in
          own(key, call, call.setup.prefix)
            ? call.layout.prefixes[0] + key.name.text.dropFirst(call.setup.prefix.count)
            : key.name.text
        }
      })),
    PlantedFault(
      "prefix-lost-both", .names, "native keys lack the prefix, which saving puts back",
      .selfConsistent, cause: .fromHF(.renamedWrongly(to: "{bare embedding}"), .embedding),
      smallest: "",
      FaultyAdapter(
        nativeOut: { dict, call in
          try dict.renaming(call) { key in
            own(key, call, call.nativePrefix)
              ? String(key.name.text.dropFirst(call.nativePrefix.count)) : key.name.text
          }
        },
        nativeIn: { dict, call in
          let lacking = Set(call.outsideKeys(.outside, under: ""))
            .subtracting(call.outsideKeys(.head))
          return try dict.renaming(call) { key in
            let isOfLayers = key.layerText != nil && key.prefix.isEmpty
            return (isOfLayers || lacking.contains(key.name.text))
              && !FaultSite.factors.contains(key, in: call.layout)
              ? call.nativePrefix + key.name.text : key.name.text
          }
        })),
    PlantedFault(
      "prefix-model-renames", .names, "names are replaced under '{prefix}' only on load",
      needs: [.otherPrefixes, .renamed(.renamedRouting)],
      cause: .fromHF(.notRenamed, .renamedRouting), smallest: "key prefix \"\"",
      FaultyAdapter(
        nativeOut: keepingNames(.besideExperts) { _, call in
          call.setup.options.prefix != .model
        })),
  ]

  /// Experts of some layers stay as they are on disk, after all else.
  static func ungrouping(
    _ isConcerned: @escaping @Sendable (_ layer: Int, FaultyAdapter.Call) -> Bool
  ) -> FaultyAdapter.Convert {
    { session, dict, call in
      let isExpert = { (name: TensorName) in
        call.has(name, .allOfExperts) && !call.has(name, .factors)
          && call.layer(name).map { isConcerned($0, call) } ?? false
      }
      let native = try session.fromHF(dict, call.rank)
      let kept = native.filter { !isExpert($0) }
      let layers = Set(native.names.filter(isExpert).compactMap(call.layer))
      return try kept.appending(
        dict.filter { isExpert($0) && call.layer($0).map(layers.contains) ?? false })
    }
  }

  private static let groupings: [PlantedFault] = [
    PlantedFault(
      "grouping-model-prefix", .names, "experts are grouped under '{prefix}' only on load",
      needs: [.otherPrefixes], cause: .fromHF(.notRenamed, .wholeGroups.native),
      smallest: "key prefix \"\"",
      FaultyAdapter(fromHF: ungrouping { _, call in call.setup.options.prefix != .model })),
    PlantedFault(
      "grouping-judged-by-layer-0", .names, "no experts are grouped on load where layer 0 has none",
      needs: [.denseLayers], cause: .fromHF(.notRenamed, .wholeGroups.native),
      smallest: "layers 1 (1 dense); MTP layers 1; MTP policy preserve",
      FaultyAdapter(
        fromHF: ungrouping { _, call in call.setup.config.layerKinds.first == .dense })),
    PlantedFault(
      "grouping-last-layer-skipped", .names, "experts of the last layer are not grouped on load",
      cause: .fromHF(.notRenamed, .wholeGroups.native), smallest: "",
      FaultyAdapter(
        fromHF: ungrouping { layer, call in layer == call.setup.config.hiddenLayerCount - 1 })),
    PlantedFault(
      "grouping-gated-swiglu-only", .names,
      "{up} alone is grouped on load with activations other than swiglu", needs: [.gateOption],
      cause: .fromHF(.projectionMissing, .gate), smallest: "activation swigluoai",
      FaultyAdapter(nativeOut: { dict, call in
        let activation = call.setup.options.activation
        guard activation != .swiglu, activation.isGated else { return dict }
        return try half(1)(dict, call)
      })),
  ]
}

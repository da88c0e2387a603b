// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Layers for multi-token prediction that are kept, dropped or converted wrongly.
extension FaultBank {
  static let mtp: [PlantedFault] = kept + dropped + converted + asked + misread

  /// Which layers a loader that drops MTP layers keeps by mistake.
  private static func keeping(
    _ isKept: @escaping @Sendable (_ layer: Int, ModelConfig, AdapterOptions) -> Bool
  ) -> FaultyAdapter {
    FaultyAdapter(fromHF: { session, dict, call in
      let config = call.setup.config
      guard call.setup.options.mtpPolicy == .drop, config.mtpLayerCount > 0 else {
        return try session.fromHF(dict, call.rank)
      }
      _ = try session.fromHF(dict, call.rank)
      var setup = call.setup
      setup.options.mtpPolicy = .preserve
      setup.options.completeness = .presentGroups
      let all = try ReferenceAdapter().session(for: setup).fromHF(dict, call.rank)
      return all.filter { name in
        let key = call.key(name)
        guard let layer = key.layer, layer >= config.hiddenLayerCount,
          prefixes(call.setup).contains(key.prefix)
        else { return true }
        return isKept(layer, config, call.setup.options)
      }
    })
  }

  /// What the model's keys may start with.
  @Sendable private static func prefixes(_ setup: AdapterSetup) -> [String] {
    [setup.prefix, setup.config.layout.prefixes[0], ""]
  }

  private static let kept: [PlantedFault] = [
    PlantedFault(
      "mtp-first-kept", .mtp, "the first MTP layer counts as a decoder layer", needs: [.mtpDropped],
      cause: .fromHF(.mtpKept(.all), layers: [1]), smallest: "MTP layers 1; MTP policy drop",
      keeping { layer, config, _ in layer == config.hiddenLayerCount }),
    PlantedFault(
      "mtp-all-kept", .mtp, "MTP layers are loaded under policy drop", needs: [.mtpDropped],
      cause: .fromHF(.mtpKept(.all), layers: [1]), smallest: "MTP layers 1; MTP policy drop",
      keeping { _, _, _ in true }),
    PlantedFault(
      "mtp-first-only-dropped", .mtp, "only the first MTP layer is dropped", needs: [.mtpDropped],
      cause: .fromHF(.mtpKept(.last)), smallest: "MTP layers 2; MTP policy drop",
      keeping { layer, config, _ in layer > config.hiddenLayerCount }),
    PlantedFault(
      "mtp-bound-literal", .mtp, "MTP layers begin at layer 48, as in the published model",
      needs: [.mtpDropped], cause: .fromHF(.mtpKept(.all), layers: [1]),
      smallest: "MTP layers 1; MTP policy drop", keeping { layer, _, _ in layer < 48 }),
    PlantedFault(
      "mtp-one-digit", .mtp, "an MTP layer's number has one digit", needs: [.mtpDropped],
      cause: .fromHF(.mtpKept(.all), layers: [10]),
      smallest: "layers 10 (0 dense); MTP layers 1; MTP policy drop",
      keeping { layer, _, _ in layer > 9 }),
    PlantedFault(
      "mtp-prefix-required", .mtp, "MTP layers are found under '{prefix}' only",
      needs: [.mtpDropped], cause: .fromHF(.mtpKept(.all), layers: [1]),
      smallest: "MTP layers 1; MTP policy drop; key prefix \"\"",
      keeping { _, _, options in options.prefix != .model }),
    PlantedFault(
      "mtp-prefix-forbidden", .mtp, "MTP layers are found without a prefix only",
      needs: [.mtpDropped], cause: .fromHF(.mtpKept(.all), layers: [1]),
      smallest: "MTP layers 1; MTP policy drop",
      keeping { _, _, options in options.prefix != .none }),
    PlantedFault(
      "mtp-experts-kept", .mtp, "of MTP layers experts are loaded under policy drop",
      needs: [.mtpDropped], cause: .fromHF(.mtpKept(.all), layers: [1]),
      smallest: "MTP layers 1; MTP policy drop",
      FaultyAdapter(fromHF: { session, dict, call in
        let right = try session.fromHF(dict, call.rank)
        guard call.setup.options.mtpPolicy == .drop else { return right }
        var setup = call.setup
        setup.options.mtpPolicy = .preserve
        setup.options.completeness = .presentGroups
        let all = try ReferenceAdapter().session(for: setup).fromHF(dict, call.rank)
        return all.filter { right[$0] != nil || call.has($0, .allOfExperts) }
      })),
  ]

  private static func layer(_ name: TensorName, _ call: FaultyAdapter.Call) -> Int? {
    let key = call.key(name)
    return key.layerText != nil && key.prefix == call.setup.prefix ? key.layer : nil
  }

  private static func isMTP(_ name: TensorName, _ call: FaultyAdapter.Call) -> Bool {
    layer(name, call).map { $0 >= call.setup.config.hiddenLayerCount } ?? false
  }

  private static let dropped: [PlantedFault] = [
    PlantedFault(
      "mtp-last-decoder-dropped", .mtp, "the last decoder layer is dropped with the MTP layers",
      needs: [.mtpDropped], cause: .fromHF(.keysDropped, layers: [0]),
      smallest: "MTP layers 1; MTP policy drop",
      FaultyAdapter(nativeOut: { dict, call in
        guard call.setup.options.mtpPolicy == .drop, call.setup.config.mtpLayerCount > 0 else {
          return dict
        }
        let last = call.setup.config.hiddenLayerCount - 1
        return dict.filter { layer($0, call) != last }
      })),
    PlantedFault(
      "mtp-text-compared", .mtp, "a layer's number is compared with num_hidden_layers as text",
      needs: [.mtpDropped], cause: .fromHF(.keysDropped, layers: [2, 3, 4, 5, 6, 7, 8, 9]),
      smallest: "layers 10 (0 dense)",
      FaultyAdapter(nativeOut: { dict, call in
        guard call.setup.options.mtpPolicy == .drop else { return dict }
        let count = "\(call.setup.config.hiddenLayerCount)"
        return dict.filter { name in layer(name, call).map { "\($0)" < count } ?? true }
      })),
    PlantedFault(
      "mtp-policy-ignored", .mtp, "MTP layers are dropped under policy preserve", needs: [.mtp],
      cause: .fromHF(.mtpDropped(.all), layers: [1]), smallest: "MTP layers 1; MTP policy preserve",
      FaultyAdapter(nativeOut: { dict, call in dict.filter { !isMTP($0, call) } })),
    PlantedFault(
      "mtp-lost-on-save", .mtp, "MTP layers are lost on save", needs: [.mtp],
      cause: .toHF(.mtpDropped(.all), layers: [1]), smallest: "MTP layers 1; MTP policy preserve",
      FaultyAdapter(onDiskOut: { dict, call in dict.filter { !isMTP($0, call) } })),
    PlantedFault(
      "mtp-projection-lost-save", .mtp, "{prediction} of MTP layers is lost on save", needs: [.mtp],
      cause: .toHF(.keysDropped, .prediction), smallest: "MTP layers 1; MTP policy preserve",
      FaultyAdapter(onDiskOut: { dict, call in dict.without(.prediction, call) })),
    PlantedFault(
      "mtp-last-lost-load", .mtp, "of several MTP layers the last is lost under policy preserve",
      needs: [.mtp], cause: .fromHF(.mtpDropped(.last)),
      smallest: "MTP layers 2; MTP policy preserve",
      FaultyAdapter(nativeOut: { dict, call in
        let config = call.setup.config
        guard config.mtpLayerCount > 1 else { return dict }
        return dict.filter { layer($0, call) != config.storedLayerCount - 1 }
      })),
  ]

  private static let converted: [PlantedFault] = [
    PlantedFault(
      "mtp-norm-named-otherwise-both", .mtp,
      "{last prediction norm} of MTP layers is final_norm in native form", .selfConsistent,
      needs: [.mtp], cause: .fromHF(.renamedWrongly(to: "final_norm.weight"), .lastPredictionNorm),
      smallest: "MTP layers 1; MTP policy preserve",
      namedOtherwise(.lastPredictionNorm) { _ in "final_norm.weight" }),
    PlantedFault(
      "mtp-norms-exchanged-both", .mtp, "{input norms} are exchanged in both directions",
      .selfConsistent, needs: [.mtp], cause: .both(.classesExchanged("", ""), .inputNorms),
      smallest: "MTP layers 1; MTP policy preserve", exchanging(.inputNorms)),
    PlantedFault(
      "mtp-input-halves-exchanged-both", .mtp,
      "the halves of {prediction}'s input are exchanged in both directions", .selfConsistent,
      needs: [.mtp], cause: .both(.axisOrder(.columns, .exchanged(0, 1)), .prediction),
      smallest: "MTP layers 1; MTP policy preserve; contents tracer 0",
      FaultyAdapter(bothWays: { dict, call in
        try dict.editing(.prediction, call) { tensor in
          guard tensor.shape.rank == 2 else { return tensor }
          let half = tensor.shape[1] / 2
          return try tensor.permuting(axis: 1) { ($0 + half) % max(1, 2 * half) }
        }
      })),
    PlantedFault(
      "mtp-experts-not-grouped", .mtp, "experts of MTP layers are not grouped on load",
      needs: [.mtpExperts], cause: .fromHF(.notRenamed, .wholeGroups.native),
      smallest: "MTP layers 1; MTP policy preserve",
      FaultyAdapter(
        fromHF: ungrouping { layer, call in layer >= call.setup.config.hiddenLayerCount })),
    PlantedFault(
      "mtp-not-renamed", .mtp, "names in MTP layers are not replaced on load",
      needs: [.mtpExperts, .renamed(.renamedRouting)],
      cause: .fromHF(.notRenamed, .renamedRouting, layers: [1]),
      smallest: "MTP layers 1; MTP policy preserve",
      FaultyAdapter(
        nativeOut: keepingNames(.besideExperts) { key, call in isMTP(key.name, call) })),
    PlantedFault(
      "mtp-norms-shifted", .mtp, "one is added to norms once more because MTP layers are there",
      needs: [.mtp], cause: .fromHF(.value(.added(1)), .layerNorms),
      smallest: "MTP layers 1; MTP policy preserve",
      FaultyAdapter(nativeOut: { dict, call in
        guard dict.names.contains(where: { isMTP($0, call) }) else { return dict }
        return try dict.editing(.layerNorms, call) { try $0.mappingNumbers { $0 + 1 } }
      })),
  ]

  /// A wrong answer about keys of the model's layers.
  private static func asking(
    prefixes: @escaping @Sendable (AdapterSetup) -> [String]? = prefixes,
    _ isMTP: @escaping @Sendable (Int, ModelConfig) -> Bool
  ) -> FaultyAdapter {
    FaultyAdapter(isMTPKey: { name, setup in
      let key = LenientKey(name, setup.config.layout)
      guard let layer = key.layer, key.layerText?.allSatisfy(\.isWholeNumber) == true else {
        return false
      }
      guard prefixes(setup)?.contains(key.prefix) ?? true else { return false }
      return isMTP(layer, setup.config)
    })
  }

  private static let asked: [PlantedFault] = [
    PlantedFault(
      "mtp-key-bound-off", .mtp, "isMTPKey leaves out the first MTP layer", needs: [.mtpDropped],
      cause: .anywhere(.mtpKeyMisjudged(isMTP: false, .plain), layers: [1]), smallest: "",
      asking { $0 > $1.hiddenLayerCount }),
    PlantedFault(
      "mtp-key-bound-literal", .mtp, "isMTPKey looks for layer 80", needs: [.mtpDropped],
      cause: .anywhere(.mtpKeyMisjudged(isMTP: false, .plain), layers: [1, 2, 20]),
      smallest: "",
      asking { layer, _ in layer == 80 }
    ),
    PlantedFault(
      "mtp-key-bound-counts-mtp", .mtp, "isMTPKey takes num_hidden_layers to count MTP layers",
      needs: [.mtpDropped],
      cause: .anywhere(.mtpKeyMisjudged(isMTP: true, .plain), layers: [0]),
      smallest: "MTP layers 1; MTP policy preserve",
      asking { $0 >= $1.hiddenLayerCount - $1.mtpLayerCount }),
    PlantedFault(
      "mtp-key-any-prefix", .mtp, "isMTPKey takes layers of other modules for the model's",
      needs: [.mtpDropped], cause: .anywhere(.mtpKeyMisjudged(isMTP: true, .otherModule)),
      smallest: "", asking(prefixes: { _ in nil }) { $0 >= $1.hiddenLayerCount }),
    PlantedFault(
      "mtp-key-prefix-required", .mtp, "isMTPKey asks for the prefix '{prefix}'",
      needs: [.mtpDropped],
      cause: .anywhere(.mtpKeyMisjudged(isMTP: false, .prefix), layers: [1, 2, 20]),
      smallest: "",
      asking(prefixes: { [$0.config.layout.prefixes[0]] }) { $0 >= $1.hiddenLayerCount }),
    PlantedFault(
      "mtp-key-stored-only", .mtp, "isMTPKey knows the layers of the config only",
      needs: [.mtpDropped],
      cause: .anywhere(.mtpKeyMisjudged(isMTP: false, .plain), layers: [1, 2, 20]),
      smallest: "", asking { $0 >= $1.hiddenLayerCount && $0 < $1.storedLayerCount }),
  ]

  /// What `isMTPKey` makes of the text after `layers.`, wherever that is looked for.
  private static func reading(
    after start: @escaping @Sendable (String, Layout) -> [Substring] = { key, layout in
      [layout.prefixes[0] + layout.block, layout.block]
        .compactMap { key.hasPrefix($0) ? key.dropFirst($0.count) : nil }
    },
    number: @escaping @Sendable (Substring) -> Int? = { text in
      let digits = text.prefix(while: \.isWholeNumber)
      return text[digits.endIndex...].first == "." ? Int(digits) : nil
    }
  ) -> FaultyAdapter {
    FaultyAdapter(isMTPKey: { name, setup in
      let key = String(
        name.text.dropFirst(name.text.hasPrefix(setup.prefix) ? setup.prefix.count : 0))
      return start(key, setup.config.layout).first.flatMap { number($0) }
        .map { $0 >= setup.config.hiddenLayerCount } ?? false
    })
  }

  private static let misread: [PlantedFault] = [
    PlantedFault(
      "mtp-key-number-goes-on", .mtp, "isMTPKey reads a layer's number as far as there are digits",
      needs: [.mtpDropped], cause: .anywhere(.mtpKeyMisjudged(isMTP: true, .noNumber)),
      smallest: "",
      reading(number: { Int($0.prefix(while: \.isWholeNumber)) })),
    PlantedFault(
      "mtp-key-number-signed", .mtp, "isMTPKey takes a sign before a layer's number",
      needs: [.mtpDropped], cause: .anywhere(.mtpKeyMisjudged(isMTP: true, .noNumber)),
      smallest: "",
      reading(number: { text in text.firstIndex(of: ".").flatMap { Int(text[..<$0]) } })),
    PlantedFault(
      "mtp-key-number-canonical", .mtp, "isMTPKey knows no layer's number with leading zeros",
      needs: [.mtpDropped], cause: .anywhere(.mtpKeyMisjudged(isMTP: false, .leadingZeros)),
      smallest: "",
      reading(number: { text in
        let digits = text.prefix { $0 != "." }
        return Int(digits).flatMap { "\($0)" == digits && digits.count < text.count ? $0 : nil }
      })),
    PlantedFault(
      "mtp-key-last-number", .mtp, "isMTPKey reads the last layer's number of a key",
      needs: [.mtpDropped], cause: .anywhere(.mtpKeyMisjudged(isMTP: true, .twoNumbers)),
      smallest: "",
      reading(after: { key, layout in
        guard key.hasPrefix(layout.prefixes[0]) || key.hasPrefix(layout.block) else { return [] }
        return key.ranges(of: layout.block).reversed().map { key[$0.upperBound...] }
      })),
    PlantedFault(
      "mtp-key-searched", .mtp, "isMTPKey looks for '{prefix}layers.' anywhere in a key",
      needs: [.mtpDropped], cause: .anywhere(.mtpKeyMisjudged(isMTP: true, .otherModule)),
      smallest: "",
      reading(after: { key, layout in
        let known = [layout.prefixes[0] + layout.block].flatMap { key.ranges(of: $0) }
        return known.map { key[$0.upperBound...] }
          + (key.hasPrefix(layout.block) ? [key.dropFirst(layout.block.count)] : [])
      })),
    PlantedFault(
      "mtp-key-dot-unescaped", .mtp, "isMTPKey takes any character for the dot after 'layers'",
      needs: [.mtpDropped], cause: .anywhere(.mtpKeyMisjudged(isMTP: true, .noNumber)),
      smallest: "",
      reading(after: { key, layout in
        let block = String(layout.block.dropLast())
        return [layout.prefixes[0] + block, block]
          .compactMap { key.hasPrefix($0) ? key.dropFirst($0.count + 1) : nil }
      })),
  ]
}

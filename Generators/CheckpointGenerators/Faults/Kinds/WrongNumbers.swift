// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Numbers of experts and layers that are not written as the model writes them.
extension CheckpointFaultCatalogue {
  static let wrongNumbers: [CheckpointFaultKind] = [
    expertNumber(
      "zero-padded-expert", "The number of an expert has a leading zero.",
      source: "upstream takes 02 for 2, so two keys can be one expert", .nonCanonicalIndex
    ) { "0\($0)" },
    expertNumber(
      "oversized-expert", "The number of an expert is larger than any integer.",
      source: "corrupt or hostile files", .nonCanonicalIndex, .surplusExpert
    ) { "\($0)99999999999999999999" },
    expertNumber(
      "signed-expert", "The number of an expert has a plus sign.",
      source: "parsers of integers that accept a sign", .unknownExpertKey, .nonCanonicalIndex
    ) { "+\($0)" },
    expertNumber(
      "negative-expert", "The number of an expert is negative.",
      source: "an offset of a rank that was subtracted twice", .unknownExpertKey,
      .nonCanonicalIndex, .surplusExpert
    ) { "-\($0 + 1)" },
    expertNumber(
      "unicode-digit-expert", "The number of an expert has digits outside ASCII.",
      source: "patterns with \\d, which Python matches with the digits of all scripts",
      .unknownExpertKey, .nonCanonicalIndex
    ) { expert in
      String("\(expert)".compactMap { digits[$0] })
    },
    CheckpointFaultKind(
      "padded-beside-canonical", "An expert is there twice, once with a leading zero.",
      source: "upstream takes 02 for 2 and lets the last one win"
    ) { checkpoint, site in
      guard let place = checkpoint.pickExpert(&site), let info = checkpoint.info(place.name)
      else { return nil }
      let name = checkpoint.key(
        place.layer, "mlp.experts.0\(place.expert).\(place.projection).weight")
      guard checkpoint.add(TensorInfo(name, info.dtype, info.shape)) else { return nil }
      checkpoint.offend(name, .nonCanonicalIndex, .nameCollision)
      return "\(place) has its \(place.projection) a second time as 0\(place.expert)"
    },
    layerNumber(
      "zero-padded-layer", "The number of a layer has a leading zero.",
      source: "upstream takes layers.02 for layer 2 when it looks for prediction layers"
    ) { "0\($0)" },
    layerNumber(
      "oversized-layer", "The number of a layer is larger than any integer.",
      source: "corrupt or hostile files"
    ) { "\($0)99999999999999999999" },
    CheckpointFaultKind(
      "signed-layer", "The number of an expert's layer has a plus sign.",
      source: "parsers of integers that accept a sign"
    ) { checkpoint, site in
      guard let place = checkpoint.pickExpert(&site) else { return nil }
      let rest = "mlp.experts.\(place.expert).\(place.projection).weight"
      let new = TensorName("\(checkpoint.prefix)layers.+\(place.layer).\(rest)")
      guard checkpoint.rename(place.name, to: new) else { return nil }
      checkpoint.offend(new, .nonCanonicalIndex, .unknownPrefix)
      checkpoint.offend(place.name, .missingTensor)
      return "layer \(place.layer) is called +\(place.layer) in one key"
    },
  ]

  private static let digits: [Character: Character] = Dictionary(
    uniqueKeysWithValues: zip(
      "0123456789", "\u{660}\u{661}\u{662}\u{663}\u{664}\u{665}\u{666}\u{667}\u{668}\u{669}"))

  private static func expertNumber(
    _ name: String, _ statement: String, source: String, _ codes: Finding.Code...,
    text: @escaping @Sendable (Int) -> String
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, statement, source: source) { checkpoint, site in
      guard let place = checkpoint.pickExpert(&site) else { return nil }
      let number = text(place.expert)
      let new = checkpoint.key(place.layer, "mlp.experts.\(number).\(place.projection).weight")
      guard checkpoint.rename(place.name, to: new) else { return nil }
      checkpoint.offend(new, codes)
      checkpoint.offend(place.name, .missingTensor)
      return "\(place) is called \(number) in its \(place.projection)"
    }
  }

  private static func layerNumber(
    _ name: String, _ statement: String, source: String, text: @escaping @Sendable (Int) -> String
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, statement, source: source) { checkpoint, site in
      guard let layer = site.pick(checkpoint.layers) else { return nil }
      let base = "\(checkpoint.prefix)layers.\(layer)."
      let candidates = checkpoint.infos.map(\.name).filter { name in
        let isExpert = name.text.contains(".mlp.experts.")
        return name.text.hasPrefix(base) && !name.text.contains(".lora_") && !isExpert
      }
      guard let old = site.pick(candidates) else { return nil }
      let number = text(layer)
      let new = TensorName(
        "\(checkpoint.prefix)layers.\(number).\(old.text.dropFirst(base.count))")
      guard checkpoint.rename(old, to: new) else { return nil }
      checkpoint.offend(new, .nonCanonicalIndex, .surplusLayer)
      if checkpoint.isWhole { checkpoint.offend(old, .missingTensor) }
      return "layer \(layer) is called \(number) in \(new)"
    }
  }
}

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
      guard let place = checkpoint.pickNumbered(&site), let expert = place.expert,
        let info = checkpoint.info(place.name)
      else { return nil }
      let name = checkpoint.key(place.layer, place.rule.name.name(number: "0\(expert)"))
      guard checkpoint.add(TensorInfo(name, info.dtype, info.shape)) else { return nil }
      checkpoint.offend(name, .nonCanonicalIndex, .nameCollision)
      return "\(place) has its \(place.projection) a second time as 0\(expert)"
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
      let new = checkpoint.key(place.name, ofLayer: "+\(place.layer)")
      guard checkpoint.rename(place.name, to: new) else { return nil }
      if checkpoint.layout.mentionsMoved(new.text) {
        checkpoint.offend(new, .nonCanonicalIndex, .unknownPrefix)
      }
      checkpoint.offendMissing(place)
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
      guard let place = checkpoint.pickNumbered(&site), let expert = place.expert else {
        return nil
      }
      let number = text(expert)
      let new = checkpoint.key(place.layer, place.rule.name.name(number: number))
      guard checkpoint.rename(place.name, to: new) else { return nil }
      checkpoint.offend(new, codes)
      checkpoint.offendMissing(place)
      return "\(place) is called \(number) in its \(place.projection)"
    }
  }

  private static func layerNumber(
    _ name: String, _ statement: String, source: String, text: @escaping @Sendable (Int) -> String
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, statement, source: source) { checkpoint, site in
      guard let layer = site.pick(checkpoint.layers) else { return nil }
      let base = checkpoint.key(layer, "").text
      let candidates = checkpoint.infos.map(\.name).filter { name in
        name.text.hasPrefix(base) && checkpoint.isKnownBesideExperts(name)
      }
      guard let old = site.pick(candidates) else { return nil }
      let number = text(layer)
      let new = checkpoint.key(old, ofLayer: number)
      guard checkpoint.rename(old, to: new) else { return nil }
      checkpoint.offend(new, .nonCanonicalIndex, .surplusLayer)
      if checkpoint.isWhole { checkpoint.offend(old, .missingTensor) }
      return "layer \(layer) is called \(number) in \(new)"
    }
  }
}

extension NamePattern {
  /// The name with any text in the place of an expert's number.
  fileprivate func name(number: String) -> String { end.map { "\(start)\(number)\($0)" } ?? start }
}

extension FaultyCheckpoint {
  /// A key with another text in the place of its layer's number.
  func key(_ name: TensorName, ofLayer number: String) -> TensorName {
    let key = LenientKey(name, layout)
    return TensorName("\(key.prefix)\(layout.block)\(number).\(key.rest)")
  }

  /// Whether a key is of a tensor of the layout other than experts'.
  func isKnownBesideExperts(_ name: TensorName) -> Bool {
    guard case .tensor(let position) = LenientKey(name, layout).subject else { return false }
    return !layout.tensors[position].isOfExperts
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Numbers of experts and layers that are not written as the model writes them; comments say where such
/// faults come from.
extension CheckpointFaultCatalogue {
  static let wrongNumbers: [CheckpointFaultKind] = [
    // Upstream takes 02 for 2, so two keys can be one expert.
    expertNumber("zero-padded-expert", .nonCanonicalIndex) { "0\($0)" },
    // Corrupt or hostile files.
    expertNumber("oversized-expert", .nonCanonicalIndex, .surplusExpert) {
      "\($0)99999999999999999999"
    },
    // Parsers of integers that accept a sign.
    expertNumber("signed-expert", .unknownExpertKey, .nonCanonicalIndex) { "+\($0)" },
    // An offset of a rank that was subtracted twice.
    expertNumber("negative-expert", .unknownExpertKey, .nonCanonicalIndex, .surplusExpert) {
      "-\($0 + 1)"
    },
    // Patterns with \d, which Python matches with the digits of all scripts.
    expertNumber("unicode-digit-expert", .unknownExpertKey, .nonCanonicalIndex) { expert in
      // The Arabic-Indic digits.
      String(
        String.UnicodeScalarView(
          "\(expert)".unicodeScalars.compactMap { Unicode.Scalar($0.value + 0x630) }))
    },
    // Upstream takes 02 for 2 and lets the last one win.
    CheckpointFaultKind("padded-beside-canonical") { checkpoint, site in
      guard let place = checkpoint.pickNumbered(&site), let expert = place.expert,
        let info = checkpoint.info(place.name)
      else { return nil }
      let name = checkpoint.key(place.layer, place.rule.name.name(number: "0\(expert)"))
      guard
        checkpoint.add(
          TensorInfo(name, info.dtype, info.shape), .nonCanonicalIndex, .nameCollision)
      else { return nil }
      return "\(place) has its \(place.projection) a second time as 0\(expert)"
    },
    // Upstream takes layers.02 for layer 2 when it looks for prediction layers.
    layerNumber("zero-padded-layer") { "0\($0)" },
    // Corrupt or hostile files.
    layerNumber("oversized-layer") { "\($0)99999999999999999999" },
    // Parsers of integers that accept a sign.
    .renamed("signed-layer", at: { $0.pickExpert(&$1) }) { checkpoint, place in
      let new = checkpoint.key(place.name, ofLayer: "+\(place.layer)")
      return (
        new, checkpoint.layout.mentionsMoved(new.text) ? [.nonCanonicalIndex, .unknownPrefix] : [],
        "layer \(place.layer) is called +\(place.layer) in one key"
      )
    },
  ]

  private static func expertNumber(
    _ name: String, _ codes: Problem.Code..., text: @escaping @Sendable (Int) -> String
  ) -> CheckpointFaultKind {
    .renamed(name, at: { $0.pickNumbered(&$1) }) { checkpoint, place in
      place.expert.map { expert in
        let number = text(expert)
        return (
          checkpoint.key(place.layer, place.rule.name.name(number: number)), codes,
          "\(place) is called \(number) in its \(place.projection)"
        )
      }
    }
  }

  private static func layerNumber(
    _ name: String, text: @escaping @Sendable (Int) -> String
  ) -> CheckpointFaultKind {
    .renamed(name) { checkpoint, site in
      guard let layer = site.pick(checkpoint.layers) else { return nil }
      let layout = checkpoint.layout
      let places = checkpoint.names(in: layer).compactMap { name -> FaultPlace? in
        guard case .tensor(let position) = LenientKey(name, layout).subject,
          !layout.tensors[position].isOfExperts
        else { return nil }
        return FaultPlace(layer: layer, expert: nil, rule: layout.tensors[position], name: name)
      }
      return site.pick(places)
    } to: { checkpoint, place in
      let number = text(place.layer)
      let new = checkpoint.key(place.name, ofLayer: number)
      return (
        new, [.nonCanonicalIndex, .surplusLayer],
        "layer \(place.layer) is called \(number) in \(new)"
      )
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
}

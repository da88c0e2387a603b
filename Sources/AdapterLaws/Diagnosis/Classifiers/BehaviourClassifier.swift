// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Recognizes what laws about behaviour report, and wrong answers to `isMTPKey`.
enum BehaviourClassifier {
  static func classify(_ violation: Violation) -> [Observation] {
    let kind = violation.kind.lowercased()
    if kind.contains("alias") || kind.contains("shared") { return [Observation(.aliased)] }
    return kind.contains("input") && kind.contains("chang") || kind.contains("mutat")
      ? [Observation(.inputChanged)] : []
  }

  static func classifyMTPKeys(
    _ session: any AdapterSession, _ context: DiagnosisContext
  ) -> [Observation] {
    let names = context.checkpoint.schema.map(\.name) + context.spec.layerKeys.map(\.name)
    return names.unique.compactMap { name in
      guard let isMTP = try? session.isMTPKey(name) else { return nil }
      let layer = TensorSubject(name, context.layout).layer
      let isOfModel = hasKnownPrefix(name, context)
      let expected =
        layer.map { $0 >= context.spec.config.hiddenLayerCount && isOfModel } ?? false
      guard isMTP != expected else { return nil }
      let fault = Diagnosis.Fault.mtpKeyMisjudged(
        isMTP: isMTP, isOfModel: isOfModel || layer == nil)
      var observation = Observation(fault, name, context.layout).ofClass
      observation.kind = nil
      return observation
    }
  }

  private static func hasKnownPrefix(_ name: TensorName, _ context: DiagnosisContext) -> Bool {
    let key = LenientKey(name, context.layout)
    return key.layerText != nil
      && ["", context.layout.prefixes[0], context.spec.prefix].contains(key.prefix)
  }
}

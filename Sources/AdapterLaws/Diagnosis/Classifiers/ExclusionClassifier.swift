// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Recognizes wrong answers to `isMTPKey`.
enum MTPKeyClassifier {
  static func classify(
    _ session: any AdapterSession, _ context: DiagnosisContext
  ) -> [Draft] {
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
      return Draft(fault, layer: layer, tensor: name)
    }
  }

  private static func hasKnownPrefix(_ name: TensorName, _ context: DiagnosisContext) -> Bool {
    let key = LenientKey(name, context.layout)
    return key.layerText != nil
      && ["", context.layout.prefixes[0], context.spec.prefix].contains(key.prefix)
  }
}

/// Recognizes how patterns are misread that exclude keys.
enum ExclusionClassifier {
  /// What was kept under one pattern.
  typealias Probe = (exclusion: Exclusion, kept: Set<TensorName>)

  /// - Parameters:
  ///   - probes: What an adapter kept under several patterns.
  ///   - whole: The keys on disk without exclusion, in order.
  static func classify(
    _ probes: [Probe], whole: [TensorName], _ context: DiagnosisContext
  ) -> [Draft] {
    let all = Set(whole)
    let layout = context.spec.config.layout
    let expected = probes.map { probe in
      let isExcluded = probe.exclusion.excludes(in: layout)
      return all.filter { !isExcluded($0) }
    }
    let found = probes.map { $0.kept.intersection(all) }
    guard found != expected else { return [] }
    let explanation = readings(context).first { reading in
      zip(probes, found).allSatisfy { probe, kept in
        let pattern = probe.exclusion.pattern(in: layout)
        return kept == (pattern.isEmpty ? all : all.filter { !reading.excludes(pattern, $0) })
      }
    }
    let wrong = whole.filter { name in
      zip(found, expected).contains { $0.contains(name) != $1.contains(name) }
    }
    if let explanation {
      return wrong.map { Draft(explanation.fault, $0, context.layout).ofClass }
    }
    return wrong.map { name in
      let isKept = zip(found, expected).contains { $0.contains(name) && !$1.contains(name) }
      return Draft(isKept ? .exclusionKeeps : .exclusionRemoves, name, context.layout).ofClass
    }
  }

  private struct Reading {
    let fault: Diagnosis.Fault
    let excludes: (_ pattern: String, TensorName) -> Bool
  }

  private static func readings(_ context: DiagnosisContext) -> [Reading] {
    let native = { (pattern: String, name: TensorName) in
      // Factors that repeat or come of fused ones are not among those on disk.
      let key = LenientKey(name, context.layout)
      let grouped = NativeWhole(onDisk: key, context.layout).flatMap { whole in
        key.base.map { TensorName($0 + whole.name(context.layout)) }
      }
      let native = context.nativeNames[name] ?? context.layout.toNative(grouped ?? name)
      return matches(pattern, native)
    }
    return [
      Reading(fault: .exclusionIgnored) { _, _ in false },
      Reading(fault: .exclusionTestsNativeName, excludes: native),
      Reading(fault: .exclusionTestsBothNames) { native($0, $1) || matches($0, $1) },
      Reading(fault: .exclusionSearchesAnywhere) { matches(".*(?:\($0))", $1) },
      Reading(fault: .exclusionMatchesWholeKey) { matches("(?:\($0))$", $1) },
      Reading(fault: .exclusionInverted) { !matches($0, $1) },
    ]
  }

  private static func matches(_ pattern: String, _ name: TensorName) -> Bool {
    guard let pattern = try? ExclusionPattern(pattern) else { return false }
    return pattern.matches(name)
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Recognizes wrong answers to `isMTPKey`.
struct MTPKeyClassifier {
  private let wrong: [AskedKey]
  private let right: [AskedKey]

  static func classify(_ session: any AdapterSession, _ context: DiagnosisContext)
    -> [CauseCandidate]
  {
    Self(session, context).drafts
  }

  private init(_ session: any AdapterSession, _ context: DiagnosisContext) {
    let ofSchema = context.checkpoint.schema.map { AskedKey(onDisk: $0.name, context.spec) }
    var wrong: [AskedKey] = []
    var right: [AskedKey] = []
    for key in ofSchema + context.spec.askedKeys {
      guard let answer = try? session.isMTPKey(key.name) else { continue }
      if answer == key.isMTP { right.append(key) } else { wrong.append(key) }
    }
    (self.wrong, self.right) = (wrong, right)
  }

  private var drafts: [CauseCandidate] {
    let plain = wrong.filter { $0.form == .plain }
    return wrong.compactMap { key in
      var form = key.form
      switch form {
      case .plain where isMisread(key): form = .prefix
      // What is wrong however the key is spelled is told once.
      case .leadingZeros, .twoNumbers:
        if plain.contains(where: { $0.layer == key.layer }) { return nil }
      default: break
      }
      let layer = form == .leadingZeros || form == .twoNumbers ? nil : key.layer
      return CauseCandidate(
        .mtpKeyMisjudged(isMTP: !key.isMTP, form), layer: layer, tensor: key.name)
    }
  }

  /// Whether all keys of the layer are misread under the key's prefix, and none under another one.
  private func isMisread(_ key: AskedKey) -> Bool {
    func prefixes(_ keys: [AskedKey]) -> Set<String> {
      Set(keys.filter { $0.form == .plain && $0.layer == key.layer }.map(\.prefix))
    }
    let (ofWrong, ofRight) = (prefixes(wrong), prefixes(right))
    return !ofRight.contains(key.prefix) && !ofRight.subtracting(ofWrong).isEmpty
  }
}

extension AskedKey {
  /// A key on disk, of the model or of another module.
  fileprivate init(onDisk name: TensorName, _ spec: CheckpointSpec) {
    let key = LenientKey(name, spec.config.layout)
    let isOfModel = key.layerText == nil || spec.modelPrefixes.contains(key.prefix)
    let isMTP = isOfModel && key.layer.map { $0 >= spec.config.hiddenLayerCount } ?? false
    self.init(
      name: name, prefix: key.prefix, layer: key.layer, isMTP: isMTP,
      form: isOfModel ? .plain : .otherModule)
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
  ) -> [CauseCandidate] {
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
      return wrong.map { CauseCandidate(explanation.fault, $0, context.layout).ofClass }
    }
    return wrong.map { name in
      let isKept = zip(found, expected).contains { $0.contains(name) && !$1.contains(name) }
      return CauseCandidate(isKept ? .exclusionKeeps : .exclusionRemoves, name, context.layout)
        .ofClass
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

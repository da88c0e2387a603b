// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import CheckpointGenerators

/// What reports say about how a law was broken.
struct ViolationAccount {
  /// What the adapter did wrong, in sentences.
  let diagnosis: [String]
  /// The causes as text that is the same on all checkpoints that show them, if there is one.
  let cause: String?
  /// What differs, in lines.
  let mismatch: [String]
  /// Where elements differ, if they do.
  let heatMap: HeatMapFigure?

  /// Compares both sides and runs the adapter on tracer checkpoints; an adapter that gave no answer
  /// is not asked again, since what it did is the account.
  init(
    _ violation: Violation, of law: AdapterLaw, _ spec: CheckpointSpec,
    _ adapter: any AdapterUnderTest
  ) {
    if let misbehaviour = violation.misbehaviour {
      diagnosis = [misbehaviour.description]
      // Where the request is kept differs from time to time, but not what was done with it.
      cause = "\(misbehaviour.kind.rawValue), \(violation.step.name)"
      (mismatch, heatMap) = ([], nil)
      return
    }
    if law.name.hasPrefix("invalid-input") {
      // Tracers are valid checkpoints: what they show would be another fault.
      diagnosis = [violation.summary]
      cause = "\(law.name), \(violation.kind), \(violation.place)"
    } else {
      let causes = Diagnosis.of(violation, spec, adapter)
      // An adapter that was stopped meanwhile refuses every tracer.
      (diagnosis, cause) = adapter.isStopped ? ([], nil) : (causes.sentences, causes.cause)
    }
    guard let mismatch = violation.evidence.flatMap(Self.mismatch) else {
      mismatch = diagnosis.isEmpty || diagnosis == [violation.summary] ? [] : [violation.summary]
      heatMap = nil
      return
    }
    self.mismatch = mismatch.description.split(separator: "\n").map(String.init)
    heatMap = mismatch.mostSerious.flatMap { HeatMap($0) }.flatMap { map in
      // A single field says nothing that the lines do not.
      guard map.planes.count > 1 || map.planes.contains(where: { $0.shares.joined().count > 1 })
      else { return nil }
      return HeatMapFigure(
        text: map.text().split(separator: "\n").map(String.init), svg: map.svg())
    }
  }

  /// What differs; the order of keys only if nothing else does.
  private static func mismatch(_ evidence: Violation.Evidence) -> Mismatch? {
    [false, true].lazy.compactMap { ordered in
      Mismatch(
        expected: evidence.expected, found: evidence.found, ordered: ordered,
        castTensors: evidence.castTensors)
    }.first
  }
}

extension ConversionStep {
  /// The step without its rank.
  fileprivate var name: String {
    switch self {
    case .fromHF: "fromHF"
    case .toHF: "toHF"
    case .roundTrip: "round trip"
    case .excluding: "excluding"
    case .streaming: "streaming"
    case .isMTPKey: "isMTPKey"
    }
  }
}

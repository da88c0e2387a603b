// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import PropertyEngine

/// The first checkpoint on which an adapter was seen to break a law.
public struct Detection: Sendable, Equatable {
  /// Its number among those judged, from 1.
  public var example: Int
  /// The laws that it breaks in a way that is not known, in their order.
  public var laws: [String]
}

extension CheckRun {
  /// Judges checkpoints until a law is broken in a way that is not known, and makes nothing small.
  ///
  /// - Returns: Where that was; nil if all `examples` pass.
  /// - Throws: `CheckError` if nothing could be checked.
  public func detect(_ settings: CheckSettings) throws(CheckError) -> Detection? {
    guard settings.examples > 0 else { throw .noExamples(requested: settings.examples) }
    var engine = engineSettings(settings)
    engine.findsSeveral = false
    engine.keepsGoing = false
    engine.shrinkExecutions = 0
    // The rest of a batch says nothing any more, nor does the failing case a second time.
    let isFound = Flag()
    engine.isCancelled = { isFound.isSet || settings.isCancelled?() == true }
    let check = try property()
    var tally = CheckTally(laws, space, knownCount: check.judge.known.count)
    let report = check.property(failing: { isFound.set() }).run(engine) { event in
      if case .executed(let observation) = event { tally.add(observation) }
    }
    return report.findings.first.map { finding in
      Detection(
        example: finding.caseNumber,
        laws: tally.laws.filter { $0.broken > 0 }.map(\.law.name))
    }
  }
}

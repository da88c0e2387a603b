// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CheckpointGenerators

extension CampaignReport {
  /// The report as JUnit XML: one suite with a test case for each law, and one for each of the
  /// proof and the layer at full size.
  public var junit: String {
    let properties =
      [
        ("adapter", adapter), ("config", configPath), ("seed", "\(seed)"), ("cases", "\(judged)"),
        ("shards", shards.map(\.description).joined(separator: ", ")), ("reproduce", command),
      ] + leftOut.map { ("left out: \($0.axis)", $0.values.joined(separator: ", ")) }
    let cases = laws.map { tally in
      JUnitSuite.Case(
        tally, causes(ofLaw: tally.law.name), isBroken: isBroken(tally), lawCount: laws.count,
        className: "hymt2.fuzz", noun: "case")
    }
    return JUnitSuite(
      name: "hymt2 fuzz", properties: properties,
      cases: phases.compactMap(phaseCase) + cases + known.map(knownCase), seconds: seconds
    ).text
  }

  /// What is about the config itself, and no law.
  private func phaseCase(_ tally: CampaignPhaseTally) -> JUnitSuite.Case? {
    guard [.planProof, .fullLayer].contains(tally.phase), tally.judged + tally.failed > 0
    else { return nil }
    let causes = causes(ofLaw: tally.phase.rawValue)
    let texts = causes.map { group in
      FailureScreen(failure: group[0], lawCount: laws.count).lines.map(\.text)
        .joined(separator: "\n")
    }
    return JUnitSuite.Case(
      className: "hymt2.fuzz", name: tally.phase.rawValue,
      outcome: tally.failed == 0 && causes.isEmpty
        ? .passed
        : .failed(
          kind: causes.first?[0].kind ?? "refuted",
          message: causes.first?[0].sentence ?? tally.note, text: texts.joined(separator: "\n\n")))
  }

  /// A known divergence is a test that is not run: it neither holds nor is it news that it fails.
  private func knownCase(_ known: CampaignKnown) -> JUnitSuite.Case {
    JUnitSuite.Case(
      className: "hymt2.known", name: known.id,
      outcome: .skipped("\(known.title); seen on \(counted(known.checkpoints, "case"))"))
  }

  /// The findings of one law by cause.
  private func causes(ofLaw name: String) -> [[any ReportedFailure]] {
    findingGroups.map { group in group.filter { $0.law.name == name } }.filter { !$0.isEmpty }
  }
}

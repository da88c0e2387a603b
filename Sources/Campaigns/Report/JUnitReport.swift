// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CheckpointGenerators

extension CheckReport {
  /// The report as JUnit XML: one suite with a test case for each law, without times.
  public var junit: String {
    let cases = laws.map { tally in
      JUnitSuite.Case(
        tally, causes(of: tally), isBroken: isBroken(tally), lawCount: laws.count,
        className: "hymt2.check", noun: "checkpoint")
    }
    let properties =
      [
        ("adapter", adapter), ("seed", "\(seed)"), ("checkpoints", "\(judged)"),
        ("reproduce", command),
      ] + leftOut.map { ("left out: \($0.axis)", $0.values.joined(separator: ", ")) }
    return JUnitSuite(
      name: "hymt2 check", properties: properties,
      cases: cases + (known?.tallies ?? []).map(knownCase)
    ).text
  }

  /// A known divergence is a test that is not run: it neither holds nor is it news that it fails.
  private func knownCase(_ tally: KnownTally) -> JUnitSuite.Case {
    let state = tally.state == .shows ? "" : "; \(KnownLines.text(tally))"
    return JUnitSuite.Case(
      className: "hymt2.known", name: tally.divergence.id,
      outcome: .skipped(
        "\(tally.divergence.title); seen on \(counted(tally.checkpoints, "checkpoint"))\(state)"))
  }

  /// The failures of one law by cause.
  private func causes(of tally: LawTally) -> [[any ReportedFailure]] {
    failureGroups.map { group in group.filter { $0.law == tally.law } }.filter { !$0.isEmpty }
  }
}

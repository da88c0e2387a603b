// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
import StrictJSON

@testable import Campaigns

/// Reports of campaigns to be rendered.
enum TestCampaigns {
  /// All laws held.
  static func held() throws -> CampaignReport { report(try TestReports.held()) }

  /// Laws are broken, and the plan is refuted, with texts that markup must escape.
  static func broken() throws -> CampaignReport {
    let check = try TestReports.broken()
    var report = report(check)
    report.failed = check.failed
    report.findings = check.failures.enumerated().map { position, failure in
      finding(failure, seconds: 4.25 + 590 * Double(position), caseNumber: 12 + position)
    }
    report.findings.append(refutation(report.findings[0]))
    for position in report.phases.indices where report.phases[position].phase == .around {
      report.phases[position].failed = check.failed
    }
    report.phases[0].failed = 1
    report.phases[0].note = "element 3 <of> 'a' is written twice"
    report.known = [
      CampaignKnown(
        id: "surplus", title: "surplus <experts> are dropped", decision: "report & wait",
        token: "p2_known", checkpoints: 1234)
    ]
    return report
  }

  /// The findings of a campaign with many causes, all within its time.
  static func crowded(_ count: Int) throws -> CampaignReport {
    var report = try broken()
    let first = report.findings[0]
    report.findings = (0..<count).map { number in
      var finding = first
      finding.cause = "cause \(number)"
      finding.diagnosis = ["fault \(number)"]
      finding.seconds = Double(number * number % 601)
      finding.token = "p2_\(number)"
      finding.replayCommand = "hymt2 replay p2_\(number)"
      return finding
    }
    return report
  }

  private static func report(_ check: CheckReport) -> CampaignReport {
    var phases = CampaignPhase.allCases.map { CampaignPhaseTally($0) }
    phases[0].judged = 1
    phases[0].note = "47,138 tensors in 94,276 moves"
    phases[3].judged = check.judged
    return CampaignReport(
      adapter: "swapping <gate & up>", version: "1.0 & more", layout: .usual, seed: 7,
      configPath: "a & <b>.json", config: ["num_experts": 192, "model_type": "<hy_v3>"],
      configSummary: "192 experts & 'more', hidden <4096>", arguments: ["--adapter", "it's"],
      shards: [.whole], budget: .seconds(600), seconds: 600.04, sessions: 2, end: .outOfTime,
      phases: phases, passed: check.passed, failed: 0, laws: check.laws,
      leftOut: [AxisSelection("biases", ["<both>"])], coverage: check.coverage,
      pairs: pairs(check.coverage.axes), reach: .init(), findings: [], known: [],
      corpus: CorpusFigures(folder: "corpus & co", cases: 1200, added: 17, failures: 2))
  }

  private static func finding(
    _ failure: CheckFailure, seconds: Double, caseNumber: Int
  ) -> CampaignFinding {
    CampaignFinding(
      phase: .around, caseNumber: caseNumber, seconds: seconds, occurrences: 1 + caseNumber,
      signature: "\(failure.law.name) \(failure.kind)", law: failure.law, kind: failure.kind,
      place: failure.place, summary: failure.summary, diagnosis: failure.diagnosis,
      cause: failure.cause, config: failure.config, checkpoint: failure.checkpoint,
      facts: failure.namedFacts.map { CampaignFinding.Fact(name: $0.name, value: $0.value) },
      axes: [CampaignFinding.AxisLabel(axis: "experts", label: "4-8")],
      mismatch: failure.mismatch, heatMap: failure.heatMap, brokenLaws: failure.brokenLaws,
      shrinking: CampaignFinding.Shrinking(simplifications: 3, executions: 40, stoppedEarly: true),
      flakiness: failure.flakiness, token: failure.token, replayCommand: failure.replayCommand)
  }

  /// What the proof of the plan says; it is about no case.
  private static func refutation(_ finding: CampaignFinding) -> CampaignFinding {
    var finding = finding
    finding.phase = .planProof
    (finding.caseNumber, finding.token, finding.shrinking, finding.heatMap) = (nil, nil, nil, nil)
    (finding.seconds, finding.occurrences, finding.cause) = (0.25, 1, nil)
    finding.law.name = "plan proof"
    finding.diagnosis = ["element 3 <of> 'a' is written twice"]
    finding.replayCommand = "hymt2 prove --config 'a & <b>.json'"
    return finding
  }

  /// Shares of all kinds: none, few, most and all pairs reached, and none that are feasible.
  private static func pairs(_ axes: [SpaceCoverage.Axis]) -> [AxisPairShare] {
    axes.indices.flatMap { second in
      (0..<second).map { first in
        let feasible =
          first == 2 && second == 5 ? 0 : axes[first].values.count * axes[second].values.count
        let missed = [0, 0, 0, 1, feasible / 2, 0, feasible][(first + second * 3) % 7]
        return AxisPairShare(
          first: axes[first].name, second: axes[second].name,
          share: SpaceCoverage.Share(reached: feasible - missed, feasible: feasible))
      }
    }
  }
}

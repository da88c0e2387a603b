// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
import StrictJSON

@testable import Campaigns

/// Reports of campaigns to be rendered.
enum TestCampaigns {
  /// All laws held.
  static func held() throws -> RunReport { report(try TestReports.held()) }

  /// Laws are broken, and the plan is refuted, with texts that markup must escape.
  static func broken() throws -> RunReport {
    let check = try TestReports.broken()
    var report = report(check)
    report.failed = check.failed
    report.failures = check.failures.enumerated().map { position, failure in
      finding(failure, seconds: 4.25 + 590 * Double(position), caseNumber: 12 + position)
    }
    report.failures.append(refutation(report.failures[0]))
    for position in report.phases.indices where report.phases[position].phase == .around {
      report.phases[position].failed = check.failed
    }
    report.phases[0].failed = 1
    report.phases[0].note = "element 3 <of> 'a' is written twice"
    report.known = KnownReport(
      subject: "swapping 1.0",
      tallies: [
        KnownTally(
          id: "surplus", title: "surplus <experts> are dropped", decision: "report & wait",
          checkpoints: 1234, token: "c1:known")
      ], checkpoints: 1234)
    return report
  }

  private static func report(_ check: RunReport) -> RunReport {
    var phases = CampaignPhase.allCases.map { CampaignPhaseTally(phase: $0) }
    phases[0].judged = 1
    phases[0].note = "47,138 tensors in 94,276 moves"
    phases[3].judged = check.judged
    return RunReport(
      adapter: "swapping <gate & up>", version: "1.0 & more", seed: 7,
      arguments: ["--adapter", "it's"],
      config: CampaignConfig(
        path: "a & <b>.json", summary: "192 experts & 'more', hidden <4096>",
        text: ["num_experts": 192, "model_type": "<hy_v3>"]), budget: .seconds(600),
      seconds: 600.04, sessions: 2, leftOut: [AxisSelection("biases", ["<both>"])],
      end: .outOfTime, phases: phases, passed: check.passed, laws: check.laws,
      coverage: check.coverage,
      corpus: CorpusFigures(folder: "corpus & co", cases: 1200, added: 17, failures: 2))
  }

  private static func finding(
    _ failure: Failure, seconds: Double, caseNumber: Int
  ) -> Failure {
    var failure = failure
    failure.signature = "\(failure.law.name) \(failure.kind)"
    failure.axes = ["experts": "4-8"]
    failure.discovery = Failure.Discovery(
      phase: .around, number: caseNumber, seconds: seconds, occurrences: 1 + caseNumber)
    failure.shrinking = Failure.Shrinking(
      simplifications: 3, executions: 40, stoppedEarly: true)
    return failure
  }

  /// What the proof of the plan says; it is about no case.
  private static func refutation(_ failure: Failure) -> Failure {
    var failure = failure
    failure.discovery = Failure.Discovery(phase: .planProof, seconds: 0.25)
    (failure.token, failure.shrinking, failure.heatMap, failure.causes) = (nil, nil, nil, [])
    failure.law.name = "plan proof"
    failure.diagnosis = ["element 3 <of> 'a' is written twice"]
    failure.replayCommand = "hymt2 prove --config 'a & <b>.json'"
    return failure
  }
}

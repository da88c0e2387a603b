// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import CheckpointGenerators
import Layouts
import PropertyEngine
import StrictJSON

/// How many random checkpoints are made, converted there and back and compared in a second.
struct RoundTripBench {
  private let cases: Int
  private let threads: Int
  private let seconds: Double

  /// - Parameter layout: The layout of the checkpoints; of the usual one they are evenly distributed.
  init(_ layout: Layout, cases: Int, threads: Int) throws {
    guard let law = AdapterLaws.named("round-trip") else {
      throw CommandError("there is no law 'round-trip'")
    }
    let adapter = ReferenceAdapter()
    let checkpoints: Generator<CheckpointSpec> =
      layout == .usual ? .published : .checkpoints(CheckpointSpace(layout: layout))
    let property = Property(checkpoints) { (spec: CheckpointSpec, _) in
      switch law.judge(Trial(spec, adapter)) {
      case .holds: .pass
      case .doesNotApply: .discard
      case .broken(let violation): .fail(FailureKey(law: law.name), violation.summary)
      }
    }
    var settings = Settings(examples: cases)
    settings.threads = threads
    let start = ContinuousClock.now
    let report = property.run(settings)
    seconds = (.now - start) / .seconds(1)
    guard report.isSuccess else {
      throw CommandError(report.findings.first?.message ?? "the run ended early: \(report.end)")
    }
    self.cases = report.passed
    self.threads = threads
  }

  func report(to console: Console) {
    console.print(
      "\(countText(Int(Double(cases) / seconds))) random checkpoints a second go to native form "
        + "and back, \(countText(cases)) in all on \(threads) threads")
  }

  var json: [(String, JSONValue)] {
    [
      ("cases", JSONValue(cases)), ("threads", JSONValue(threads)),
      ("casesPerSecond", JSONValue(Double(cases) / seconds)),
    ]
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Watches the first cases of a run.
struct HealthMonitor {
  private var isDone = false
  private var drawing = Duration.zero

  mutating func check(
    _ result: CaseResult, _ report: Report, _ settings: Settings
  ) -> HealthCheck? {
    if isDone { return nil }
    drawing += result.drawing
    let isOn = { (check: HealthCheck) in !settings.silenced.contains(check) }
    if report.executed == 1 {
      let isLarge = result.status == .overrun || result.sequence.count > settings.maximumChoices / 2
      if isLarge, isOn(.simplestTooLarge) { return .simplestTooLarge }
    }
    if report.discarded >= 50, isOn(.filtersTooMuch) { return .filtersTooMuch }
    if report.overrun >= 20, isOn(.dataTooLarge) { return .dataTooLarge }
    if drawing > .seconds(1), isOn(.generatesTooSlowly) { return .generatesTooSlowly }
    isDone = report.passed + report.failed >= 10
    return nil
  }
}

extension HealthCheck {
  /// What is wrong and what can be done.
  var advice: String {
    let problem =
      switch self {
      case .filtersTooMuch:
        "50 of the first cases were discarded before 10 were good; generate what the filter accepts"
      case .dataTooLarge:
        "20 of the first cases needed more than maximumChoices choices; generate smaller values"
      case .simplestTooLarge:
        "the simplest case needs over half of maximumChoices choices; lower the least sizes"
      case .generatesTooSlowly:
        "drawing fewer than 10 cases took over a second; make the generator cheaper"
      case .generatorIsNondeterministic:
        "the same choices led to different draws; use nothing but the source for chance"
      }
    return "\(problem), or put .\(rawValue) into Settings.silenced"
  }
}

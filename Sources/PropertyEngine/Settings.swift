// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// A condition that makes a run say little; each can be silenced by name in the settings.
public enum HealthCheck: String, CaseIterable, Sendable, Hashable {
  /// Most cases are discarded.
  case filtersTooMuch
  /// Cases need more choices than `maximumChoices`.
  case dataTooLarge
  /// The simplest case already needs half of `maximumChoices`.
  case simplestTooLarge
  /// Drawing the first cases takes longer than a second.
  case generatesTooSlowly
  /// The same choices led to different draws.
  case generatorIsNondeterministic
}

/// How a property is run.
public struct Settings: Sendable {
  /// How many cases are to pass; with `keepsGoing`, to pass or fail.
  public var examples = 100
  /// Everything random derives from this.
  public var seed: UInt64 = 0
  /// Greatest number of choices of a case.
  public var maximumChoices = 8192
  /// How many cases run at the same time; the result does not depend on it.
  public var threads = 1
  /// With how many different failures the search ends; with one, shrinking it looks for no other.
  public var mostFailures = Int.max
  /// Whether the search goes on until `examples` cases have passed or failed, whatever fails, and
  /// one failure of each key is kept; without it a run ends soon after the first failure.
  public var keepsGoing = false
  /// How long generation may take; without one only `examples` counts.
  public var timeBudget: Duration?
  /// How long shrinking of one failure may take.
  public var shrinkTimeBudget: Duration? = .seconds(300)
  /// How many executions shrinking of one failure may take; 0 leaves failures as found.
  public var shrinkExecutions = 20_000
  /// How many failures are shrunk, in the order in which they were found; others stay as found.
  public var shrunkFailures = Int.max
  /// How often a failure is run again before it is shrunk, to see whether it comes and goes.
  public var confirmations = 1
  /// Shrink passes that are switched off.
  public var disabledPasses: Set<ShrinkPass> = []
  /// Health checks that are not made.
  public var silenced: Set<HealthCheck> = []
  /// Labels that at least so many passing cases must have.
  public var requiredLabels: [String: Int] = [:]
  /// Stored failures to run before anything is generated.
  public var replays: [ChoiceSequence] = []
  /// Asked between cases and between executions of the shrinker, on any thread, whether the run is to
  /// end now.
  public var isCancelled: (@Sendable () -> Bool)?
  /// Whether the report keeps a line for every case.
  public var keepsTranscript = false

  /// The defaults.
  public init() {}

  /// The defaults with a number of examples and a seed.
  public init(examples: Int, seed: UInt64 = 0) {
    self.examples = examples
    self.seed = seed
  }
}

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

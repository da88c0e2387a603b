// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import AdapterLaws
public import CheckpointGenerators
public import PropertyEngine
internal import Synchronization

/// Laws to be checked on generated checkpoints under an adapter.
public struct CheckRun: Sendable {
  /// The adapter under test.
  public let adapter: any AdapterUnderTest
  /// The laws, in the order of reports; the first that is broken names a failure.
  public let laws: [AdapterLaw]
  /// Which checkpoints are generated; faults are drawn from the whole catalogue.
  public let space: CheckpointSpace
  /// What `hymt2` must be told for the same adapter, laws and space.
  public let arguments: [String]

  /// Creates a run.
  public init(
    _ adapter: any AdapterUnderTest, laws: [AdapterLaw] = AdapterLaws.all,
    space: CheckpointSpace = CheckpointSpace(), arguments: [String] = []
  ) {
    self.adapter = adapter
    self.laws = laws
    var space = space
    space.faultKinds = CheckpointFaultCatalogue.all.count
    self.space = space
    self.arguments = arguments
  }

  /// Judges the laws on generated checkpoints and makes failures small.
  ///
  /// The report is the same for the same seed, whatever machine and number of threads.
  ///
  /// - Parameter observing: Told what is being done, on the calling thread.
  /// - Throws: `CheckError` if nothing could be checked.
  public func run(
    _ settings: CheckSettings = CheckSettings(), observing: ((CheckProgress) -> Void)? = nil
  ) throws(CheckError) -> CheckReport {
    guard settings.examples > 0 else { throw .noExamples(requested: settings.examples) }
    let check = try property()
    let isShrinking = Flag()
    var tally = CheckTally(laws, space)
    let report = check.property(isShrinking: { isShrinking.isSet }).run(
      engineSettings(settings)
    ) { event in
      switch event {
      case .executed(let observation):
        tally.add(observation)
        observing?(.searching(executed: observation.number, passed: observation.passed))
      case .shrinking(let key, executions: _, let evaluations):
        isShrinking.set()
        observing?(.shrinking(law: key.law, evaluations: evaluations))
      }
    }
    return try result(report, tally, settings, check)
  }

  /// Judges the laws on the checkpoint of a token once.
  ///
  /// - Throws: `CheckError` if the token is not of this version and space.
  public func replay(_ token: ReplayToken) throws(CheckError) -> CheckReplay {
    let check = try property()
    guard token.belongs(to: CheckProperty.name) else { throw .foreignToken }
    guard token.matches(property: CheckProperty.name, fingerprint: check.fingerprint) else {
      throw .otherSpace(hasConfig: space.config != nil)
    }
    let replay = check.property().replay(token.choices)
    guard !replay.isStale, replay.outcome != nil else {
      throw .otherSpace(hasConfig: space.config != nil)
    }
    return CheckReplay(
      run: self, spec: replay.value, judgement: check.judge.judge(replay.value),
      token: ReplayToken(
        property: CheckProperty.name, fingerprint: check.fingerprint, choices: token.choices))
  }

  private func property() throws(CheckError) -> CheckProperty {
    guard !laws.isEmpty else { throw .noLaws }
    if let reason = space.conflict { throw .emptySpace(reason: reason) }
    return CheckProperty(LawJudge(laws: laws, adapter: adapter), space)
  }

  /// Nothing that depends on the clock may end the search or shrinking.
  private func engineSettings(_ settings: CheckSettings) -> Settings {
    var engine = Settings(examples: settings.examples, seed: settings.seed)
    engine.threads = max(1, settings.threads)
    engine.shrinkTimeBudget = nil
    engine.shrinkExecutions = settings.shrinkExecutions
    engine.explains = false
    engine.silenced = [.generatesTooSlowly]
    engine.isCancelled = settings.isCancelled
    return engine
  }

  private func result(
    _ report: Report, _ tally: CheckTally, _ settings: CheckSettings, _ check: CheckProperty
  ) throws(CheckError) -> CheckReport {
    let end: CheckEnd
    switch report.end {
    case .completed, .outOfTime: end = .completed
    case .exhausted: end = .exhausted
    case .failed: end = .failed
    case .cancelled: end = .cancelled
    case .gaveUp, .unhealthy:
      let advice = report.healthProblems.map { $0.advice }
      throw .unhealthy(advice: advice.isEmpty ? ["most were discarded"] : advice)
    }
    let isJudged = tally.laws.contains { $0.judged > 0 } || !report.findings.isEmpty
    guard isJudged || end == .cancelled else { throw .nothingJudged(executed: report.executed) }
    return CheckReport(
      adapter: adapter.name, seed: settings.seed, arguments: arguments, end: end,
      requested: settings.examples, passed: report.passed, failed: report.failed,
      repeated: report.repeated, laws: tally.laws, coverage: tally.coverage,
      failures: CheckReport.sorted(
        report.findings.compactMap { CheckFailure($0, self, check) }, tally.laws))
  }
}

/// Something that has happened or not, known to all threads.
private final class Flag: Sendable {
  private let value = Atomic<Bool>(false)

  var isSet: Bool { value.load(ordering: .relaxed) }

  func set() { value.store(true, ordering: .relaxed) }
}

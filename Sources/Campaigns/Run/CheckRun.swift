// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import AdapterLaws
public import CheckpointGenerators
import Layouts
internal import PropertyEngine
internal import Synchronization

/// Laws to be checked on generated checkpoints under an adapter.
public struct CheckRun: Sendable {
  /// The adapter under test.
  public let adapter: any AdapterUnderTest
  /// The laws, in the order of reports; the first that is broken names a failure.
  public let laws: [AdapterLaw]
  /// Which checkpoints are generated: those that the adapter supports, with faults drawn from the
  /// whole catalogue.
  public let space: CheckpointSpace
  /// What the adapter is known to do, which does not fail a run.
  public let known: KnownDivergences?
  /// What `hymt2` must be told for the same adapter, laws and space.
  public let arguments: [String]
  /// What `hymt2 check` must be told beside that, but not `hymt2 replay`.
  public let checkArguments: [String]
  /// Draws the checkpoints.
  let generator: Generator<CheckpointSpec>
  /// What is wrong with what the adapter says it supports, if anything is.
  private let selectionError: AxisSelectionError?

  /// Creates a run.
  public init(
    _ adapter: any AdapterUnderTest, laws: [AdapterLaw] = Laws.all,
    space: CheckpointSpace = CheckpointSpace(), known: KnownDivergences? = nil,
    arguments: [String] = [], checkArguments: [String] = []
  ) {
    self.adapter = adapter
    self.laws = laws.map { $0.stated(for: space.layout) }
    self.known = known
    self.arguments = arguments
    self.checkArguments = checkArguments
    var space = space
    space.faultKinds = CheckpointFaultCatalogue.all.count
    do throws(AxisSelectionError) {
      try space.restrict(to: adapter.supports)
      selectionError = nil
    } catch {
      selectionError = error
    }
    self.space = space
    generator = .checkpoints(space)
  }

  /// Checks the laws on generated checkpoints and shrinks failures.
  ///
  /// The report is the same for the same seed, whatever machine and number of threads.
  ///
  /// - Parameter observing: Told what is being done, on the calling thread.
  /// - Throws: `CheckError` if nothing could be checked.
  public func run(
    _ settings: RunSettings = RunSettings(), observing: ((RunProgress) -> Void)? = nil
  ) throws(CheckError) -> RunReport {
    guard settings.examples > 0 else { throw .noExamples(requested: settings.examples) }
    try validate()
    var result = report(settings, recall(settings))
    let isShrinking = Flag()
    var progress = RunProgress()
    let report = property(isShrinking: { isShrinking.isSet }).run(
      engineSettings(settings)
    ) { event in
      progress.found = nil
      switch event {
      case .found(let key, let message, let number):
        progress.found = "\(key.law) is broken in example \(grouped(number)): \(message)"
      case .executed(let observation):
        result.count(observation)
        (progress.judged, progress.passed) = (observation.number, observation.passed)
      case .shrinking(let key, executions: _, let evaluations):
        isShrinking.set()
        (progress.shrinking, progress.evaluations) = (key.law, evaluations)
      }
      observing?(progress)
    }
    try finish(&result, report)
    return result
  }

  /// Checks the laws on a checkpoint once.
  ///
  /// - Throws: `CheckError` if the checkpoint is not of the run's layout and config, or has a value that
  ///   the adapter does not support.
  public func replay(_ spec: CheckpointSpec) throws(CheckError) -> CheckReplay {
    try validate()
    guard spec.config.layout == space.layout, space.config.map({ $0 == spec.config }) ?? true else {
      throw .otherSpace(hasConfig: space.config != nil)
    }
    let values = AxisValues(spec)
    if let axis = space.disallowedAxis(values) {
      let label = values[axis].map { axis.values[$0] } ?? "of another kind"
      throw .unsupported(adapter: adapter.name, axis: axis, label: label)
    }
    return CheckReplay(run: self, spec: spec, judgement: check(spec))
  }

  /// Checks that there is something to check.
  func validate() throws(CheckError) {
    guard !laws.isEmpty else { throw .noLaws }
    if let selectionError { throw .wrongSelection(adapter: adapter.name, selectionError) }
    if let reason = space.conflict { throw .emptySpace(reason: reason) }
  }

  /// Nothing that depends on the clock may end the search, nor shrinking unless that is asked for.
  func engineSettings(_ settings: RunSettings) -> Settings {
    var engine = Settings(examples: settings.examples, seed: settings.seed)
    engine.threads = max(1, settings.threads)
    engine.keepsGoing = settings.keepsGoing
    engine.mostFailures = settings.mostFailures
    engine.shrinkTimeBudget = settings.shrinkTimeBudget
    engine.shrinkExecutions = settings.shrinkExecutions
    engine.shrunkFailures = settings.shrunkFailures
    // An adapter that fails at times fails twice in a row at times, and shrinking would be in vain.
    engine.confirmations = 3
    engine.silenced = [.generatesTooSlowly]
    engine.isCancelled = settings.isCancelled
    return engine
  }

  /// A report of nothing so far.
  func report(_ settings: RunSettings, _ states: [KnownTally.State]? = nil) -> RunReport {
    RunReport(
      adapter: adapter.name, version: adapter.version, layout: space.layout, seed: settings.seed,
      arguments: arguments + checkArguments
        + (settings.keepsGoing && settings.mostFailures == .max ? ["--keep-going"] : []),
      replayArguments: arguments, budget: settings.budget, leftOut: leftOut,
      keepsGoing: settings.keepsGoing, laws: laws.map { LawTally(law: LawSummary($0)) },
      known: known.map { KnownReport($0, states: states) })
  }

  /// The values of axes that the adapter does not support, and invalid input if it takes any.
  private var leftOut: [AxisSelection] {
    let isGiven = adapter.invalidInputContract != .accepts
    return space.leftOut + (isGiven ? [] : [AxisSelection(InvalidInputContract.axis, ["any"])])
  }

  private func finish(
    _ result: inout RunReport, _ report: Report
  ) throws(CheckError) {
    switch report.end {
    case .completed, .outOfTime: result.end = .completed
    case .exhausted: result.end = .exhausted
    case .failed: result.end = .failed
    case .cancelled: result.end = .cancelled
    case .gaveUp, .unhealthy:
      let advice = report.healthProblems.map { $0.advice }
      throw .unhealthy(advice: advice.isEmpty ? ["most were discarded"] : advice)
    }
    let isChecked = result.laws.contains { $0.judged > 0 } || !report.counterexamples.isEmpty
    guard isChecked || result.end == .cancelled else {
      throw .nothingJudged(executed: report.executed)
    }
    (result.passed, result.failed) = (report.passed, report.failed)
    result.repeated = report.repeated
    result.failures = report.counterexamples.compactMap { Failure($0, self) }
    result.cover(space)
    result.sortByLaws()
  }
}

extension RunReport {
  /// Counts a case of a check; one that was executed before says nothing new.
  mutating func count(_ observation: CaseObservation) {
    guard !observation.isRepeated,
      let marks = CaseMarks(observation.annotation, lawCount: laws.count)
    else { return }
    count(marks, passes: observation.status == .passed)
  }
}

/// Something that has happened or not, known to all threads.
final class Flag: Sendable {
  private let value = Atomic<Bool>(false)

  var isSet: Bool { value.load(ordering: .relaxed) }

  func set() { value.store(true, ordering: .relaxed) }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import PropertyEngine
internal import Synchronization
public import Testing

/// Checks that `body` records no issue and throws nothing for the values of `generators`.
///
/// Issues are hidden and counted in search of the simplest failing values. With those the body runs
/// once more for the reader to see: its `#expect` fails at its line, with the values and the command
/// that reproduces it as comments. Issues of child tasks belong to their
/// case; those of detached tasks, and of tasks that outlive the case, are recorded as they arise.
///
/// - Parameter name: tells several properties of a test apart; without one, their order does.
public func property<each Value: Sendable>(
  _ generators: repeat Generator<each Value>, name: String = "",
  sourceLocation: SourceLocation = #_sourceLocation,
  body: @escaping @Sendable (repeat each Value) async throws -> Void
) async throws {
  let generator = zip(repeat each generators)
  let subject = Subject(generator: generator) { (values: (repeat each Value)) in
    trees(repeat each values)
  }
  let expectations = ExpectationProperty(
    session: try Session(subject, name: name, sourceLocation, isShownByBody: true)
  ) { (values: (repeat each Value)) in
    try await body(repeat each values)
  }
  try await expectations.run()
}

/// A property whose body speaks through issues.
private struct ExpectationProperty<Value: Sendable> {
  let session: Session<Value>
  let body: @Sendable (Value) async throws -> Void

  func run() async throws {
    if let token = session.token {
      guard session.fits(token) else {
        session.recordDead(token)
        return
      }
      let report = session.report(on: token)
      for finding in report.counterexamples {
        let text = session.text(of: finding, report)
        if await !show(finding, text, asAny: true) { session.recordDead(token) }
      }
      return
    }
    guard let report = await search() else { throw PropertyError.cancelled }
    let keys = Set(report.counterexamples.map(\.key))
    for (finding, text) in session.close(report) {
      let isShown =
        finding.flakiness == nil
        ? await show(finding, text, elsewhere: keys.subtracting([finding.key])) : false
      if !isShown {
        let note = finding.flakiness == nil ? "flaky: it passed when it was run to be shown\n" : ""
        Issue.record(Comment(rawValue: note + text), sourceLocation: session.location)
      }
    }
  }

  /// Runs the engine with all issues of cases hidden; nothing if the test was cancelled.
  private func search() async -> Report? {
    let relay = Relay<Value>()
    let statement = Property(session.subject.generator) { (value: Value, context) in
      let answer = relay.ask(value)
      context = answer.context
      return answer.outcome
    }
    let settings = session.settings { relay.isCancelled }
    let report = Mutex<Report?>(nil)
    let place = key(of: session.location)
    await withIssues { issue in
      CaseCollector.current?.take(issue) == true ? nil : issue
    } perform: { [body] in
      let result = await relay.serve {
        statement.run(settings)
      } answer: { value in
        await answer(value, place, body)
      }
      report.withLock { $0 = result }
    }
    return relay.isCancelled ? nil : report.withLock { $0 }
  }

  /// Runs the body once for the reader to see. Whether the failure of `finding` was seen; any counts
  /// where the source may have changed since it was found.
  private func show(
    _ finding: Counterexample, _ text: String, elsewhere: Set<FailureKey> = [], asAny: Bool = false
  ) async -> Bool {
    guard let choices = finding.choices else { return false }
    let value = session.subject.replay(choices).value
    let shown = Mutex<Set<FailureKey>>([])
    let thrown = Mutex<(any Error)?>(nil)
    await withIssues { issue in
      guard issue.severity >= .error else { return issue }
      let key = FailureKey(issue)
      // A failure in a loop is one failure.
      let isFirst = shown.withLock { $0.insert(key).inserted }
      guard isFirst, !elsewhere.contains(key) else { return nil }
      let isFirstOfAll = asAny && shown.withLock { $0.count == 1 }
      guard key == finding.key || isFirstOfAll else { return issue }
      var issue = issue
      issue.comments.append(Comment(rawValue: text))
      return issue
    } perform: { [body] in
      do {
        try await body(value)
      } catch {
        thrown.withLock { $0 = error }
      }
    }
    let error = thrown.withLock { $0 }
    let isSeen = shown.withLock { $0.contains(finding.key) || asAny && !$0.isEmpty }
    guard let error, !(error is ExpectationFailedError), !(error is DiscardedCase) else {
      return isSeen
    }
    let isFinding =
      FailureKey(error, key(of: session.location)) == finding.key || asAny && !isSeen
    let comment = isFinding ? Comment(rawValue: text) : nil
    Issue.record(error, comment, sourceLocation: session.location)
    return isSeen || isFinding
  }

  private func withIssues(
    _ transform: @escaping @Sendable (Issue) -> Issue?,
    perform: @escaping @Sendable () async -> Void
  ) async {
    let trait = IssueHandlingTrait.compactMapIssues { issue in
      // The library hands an issue of a detached task to the handlers of all running tests; the
      // outermost one records it, so no other must.
      Test.current == nil ? nil : transform(issue)
    }
    do {
      try await trait.provideScope(for: session.test, testCase: Test.Case.current) {
        await perform()
      }
    } catch {
      Issue.record(error, sourceLocation: session.location)
    }
  }
}

/// Runs the body on one value and turns what it records or throws into an outcome.
private func answer<Value>(
  _ value: Value, _ place: String, _ body: @Sendable (Value) async throws -> Void
) async -> CaseAnswer {
  let collector = CaseCollector()
  var thrown: (any Error)?
  do {
    try await CaseCollector.$current.withValue(collector) { try await body(value) }
  } catch {
    thrown = error
  }
  let (failure, context) = collector.close()
  let outcome: Outcome =
    if let failure {
      .fail(failure.key, failure.message)
    } else if let thrown {
      thrown is DiscardedCase ? .discard : .fail(FailureKey(thrown, place), "\(thrown)")
    } else {
      .pass
    }
  return CaseAnswer(outcome: outcome, context: context)
}

private func key(of location: SourceLocation) -> String { "\(location.fileID):\(location.line)" }

extension FailureKey {
  /// An error that left the body; where it was thrown is not known.
  fileprivate init(_ error: any Error, _ place: String) {
    self.init(law: "", kind: "threw \(type(of: error))", place: place)
  }
}

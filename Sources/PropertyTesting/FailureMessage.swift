// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import PropertyEngine

/// What the values of a property are, for the reader.
struct Subject<Value: Sendable>: Sendable {
  let generator: Generator<Value>
  /// One tree for each argument.
  let describe: @Sendable (Value) -> [ValueTree]

  /// Makes the value of choices without running the body.
  func replay(_ choices: ChoiceSequence) -> Property<Value>.Replay {
    Property(generator) { _, _ in .pass }.replay(choices)
  }

  /// The arguments of a case, one or more lines each.
  func arguments(_ choices: ChoiceSequence) -> [String] {
    let trees = describe(replay(choices).value)
    return trees.enumerated().flatMap { index, tree in
      let name = trees.count == 1 ? "value: " : "argument \(index + 1): "
      return tree.lines().enumerated().map { ($0.offset == 0 ? name : "") + $0.element }
    }
  }
}

/// The texts about a run.
enum FailureMessage {
  /// All about one failure.
  static func failure<Value: Sendable>(
    _ finding: Counterexample, _ report: Report, _ subject: Subject<Value>, token: String?,
    command: String, showsMessage: Bool
  ) -> String {
    var lines: [String] = []
    if let index = finding.exampleIndex {
      lines.append("the property fails on explicit example \(index + 1)")
    } else {
      lines.append(headline(finding))
    }
    if let choices = finding.choices { lines += subject.arguments(choices) }
    if showsMessage, !finding.message.isEmpty, finding.flakiness == nil {
      lines.append(finding.message)
    }
    if let flakiness = finding.flakiness {
      lines.append("flaky: the same choices gave two outcomes")
      lines.append("  first: \(text(flakiness.first))")
      lines.append("  then: \(text(flakiness.second))")
      lines.append("  let the body depend on its arguments only")
    }
    if report.executed > 0 || report.examplesPassed > 0 { lines.append(tally(report)) }
    if let labels = labels(report) { lines.append(labels) }
    if let token { lines.append("reproduce: PROPERTY_TOKEN=\(token) \(command)") }
    return lines.joined(separator: "\n")
  }

  private static func headline(_ finding: Counterexample) -> String {
    let shrinking = finding.shrinking
    let found = finding.caseNumber == 0 ? "a stored failure" : "case \(finding.caseNumber)"
    let shrunk =
      shrinking.executions == 0
      ? "not shrunk"
      : "shrunk \(shrinking.successes) times in \(shrinking.executions) executions"
    let early = shrinking.stoppedEarly ? ", until a limit was reached" : ""
    return "the property fails (\(found), \(shrunk)\(early))"
  }

  private static func tally(_ report: Report) -> String {
    var parts = ["\(report.passed + report.examplesPassed) passed"]
    if report.discarded > 0 { parts.append("\(report.discarded) discarded") }
    if report.overrun > 0 { parts.append("\(report.overrun) too large") }
    return "examples: \(parts.joined(separator: ", ")) of \(report.requested); seed \(report.seed)"
  }

  private static func labels(_ report: Report) -> String? {
    guard !report.labels.isEmpty else { return nil }
    let texts = report.labels.map { label in
      "\(label.label) \(label.count) (\(label.count * 100 / max(1, report.passed))%)"
    }
    return "labels: \(texts.joined(separator: ", "))"
  }

  static func text(_ outcome: Outcome) -> String {
    switch outcome {
    case .pass: "passed"
    case .discard: "discarded, or drew other choices"
    case .fail(let key, let message):
      "failed: \(key)" + (message.isEmpty ? "" : " (\(message.prefix(300)))")
    }
  }

  /// Everything that is wrong with a run besides its failures.
  static func complaints(_ report: Report) -> [(text: String, isWarning: Bool)] {
    guard report.counterexamples.isEmpty else { return [] }
    var complaints: [(text: String, isWarning: Bool)] = []
    func complain(_ text: String, isWarning: Bool = false) { complaints.append((text, isWarning)) }
    for (check, advice) in report.healthProblems {
      complain("health check \(check.rawValue): \(advice) (.propertySettings)")
    }
    let left = max(0, report.requested - report.passed)
    if report.end == .gaveUp {
      complain("gave up, too few cases met the preconditions: \(tally(report))")
    } else if report.end == .cancelled {
      complain("the run was cancelled, \(left) examples were not run: \(tally(report))")
    } else if complaints.isEmpty, report.passed + report.examplesPassed == 0 {
      complain("no case was run that says anything: \(tally(report))")
    } else if report.end == .outOfTime {
      complain(
        "the time budget was used up, \(left) examples were not run: \(tally(report))",
        isWarning: true)
    }
    for (label, count, required) in report.unmetLabels {
      complain("label '\(label)': \(count) of the \(required) cases it needs")
    }
    return complaints
  }
}

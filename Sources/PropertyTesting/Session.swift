// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import PropertyEngine
internal import Testing

/// One run of one property in a test: settings, and what is said at the end.
struct Session<Value: Sendable> {
  let test: Test
  let identity: PropertyIdentity
  let subject: Subject<Value>
  let location: SourceLocation
  private(set) var settings: Settings
  /// The case to replay, and nothing else, if the environment asks for it.
  let token: ReplayToken?
  private let fingerprint: UInt64
  /// Whether the failing body records the issue, which then tells the message itself.
  private let isShownByBody: Bool

  init(
    _ subject: Subject<Value>, name: String, _ location: SourceLocation, isShownByBody: Bool
  ) throws(PropertyError) {
    guard let test = Test.current else { throw .noCurrentTest }
    let environment = try PropertyEnvironment.current()
    let configuration = PropertyConfiguration.current
    let identity = PropertyIdentity(test, name: name, location)
    var settings = configuration.settings
    settings.seed = environment.seed ?? configuration.seed ?? stableHash(identity.id)
    settings.examples = environment.examples ?? settings.examples
    self.test = test
    self.identity = identity
    self.subject = subject
    self.location = location
    self.settings = settings
    token = environment.token?.belongs(to: identity.id) == true ? environment.token : nil
    fingerprint = subject.generator.fingerprint
    self.isShownByBody = isShownByBody
  }

  /// The settings with one more reason to end the run.
  func settings(cancelledIf isCancelled: @escaping @Sendable () -> Bool) -> Settings {
    var settings = settings
    settings.isCancelled = { [others = settings.isCancelled] in
      isCancelled() || others?() == true
    }
    return settings
  }

  /// Records as issues what is wrong besides failures. Gives the failures with the text for each.
  func close(_ report: Report) -> [(finding: Counterexample, text: String)] {
    for complaint in FailureMessage.complaints(report) {
      Issue.record(
        Comment(rawValue: complaint.text), severity: complaint.isWarning ? .warning : .error,
        sourceLocation: location)
    }
    return report.counterexamples.map { ($0, text(of: $0, report)) }
  }

  /// The text about a failure; attached to the test as well.
  func text(of finding: Counterexample, _ report: Report) -> String {
    let text = { (showsMessage: Bool) in
      FailureMessage.failure(
        finding, report, subject, token: token(of: finding)?.text,
        command: identity.command, showsMessage: showsMessage)
    }
    Attachment.record(text(true), named: "counterexample.txt", sourceLocation: location)
    return text(!isShownByBody)
  }

  private func token(of finding: Counterexample) -> ReplayToken? {
    guard let choices = finding.choices, finding.flakiness == nil else { return nil }
    return ReplayToken(property: identity.id, fingerprint: fingerprint, choices: choices)
  }

  /// Whether the generator still makes the value of the token.
  func fits(_ token: ReplayToken) -> Bool {
    token.matches(property: identity.id, fingerprint: fingerprint)
      && !subject.replay(token.choices).isStale
  }

  /// The report on a token that still fails, with a key that only the run can tell.
  func report(
    on token: ReplayToken, key: FailureKey = FailureKey(law: ""), message: String = ""
  ) -> Report {
    Report(replayed: token.choices, key: key, message: message, seed: settings.seed)
  }

  /// Says that a token shows nothing any more, which fails: a dead token must not look like a pass.
  func recordDead(_ token: ReplayToken) {
    let reason =
      fits(token)
      ? "the property holds for its value now"
      : "its choices no longer fit the generator"
    let value = subject.arguments(token.choices).joined(separator: "\n")
    Issue.record(
      "PROPERTY_TOKEN shows no failure: \(reason); unset it\n\(value)", sourceLocation: location)
  }
}

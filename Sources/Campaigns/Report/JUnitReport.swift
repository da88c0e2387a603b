// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CheckpointGenerators

extension RunReport {
  /// The report as JUnit XML: one suite with a test case for each law, and in a campaign one for each of
  /// the proof and the layer at full size. A check has no times.
  public var junit: String {
    let properties: [(String, String)?] = [
      ("adapter", adapter), config.map { ("config", $0.path) }, ("seed", "\(seed)"),
      ("\(noun)s", "\(judged)"),
      config.map { _ in ("shards", shards.map(\.description).joined(separator: ", ")) },
      ("reproduce", command),
    ]
    return JUnitSuite(
      name: commandName,
      properties: properties.compactMap(\.self)
        + leftOut.map { ("left out: \($0.axis)", $0.values.joined(separator: ", ")) },
      cases: phases.compactMap(phaseCase) + laws.map(lawCase)
        + (known?.tallies ?? []).map(knownCase), seconds: config.map { _ in seconds }
    ).text
  }

  private var className: String { commandName.replacing(" ", with: ".") }

  /// A law with the causes of its failures.
  private func lawCase(_ tally: LawTally) -> JUnitSuite.Case {
    var outcome = failed(tally.law.name)
    if outcome == nil, isBroken(tally) {
      outcome = .failed(
        kind: "broken",
        message: "broken on \(counted(tally.broken, noun)), always together with a law above",
        text: "")
    }
    return JUnitSuite.Case(
      className: className, name: tally.law.name,
      outcome: outcome
        ?? (tally.judged == 0 ? .skipped("no checkpoint was of its kind") : .passed))
  }

  /// What is about the config of a campaign itself, and no law.
  private func phaseCase(_ tally: CampaignPhaseTally) -> JUnitSuite.Case? {
    guard tally.phase.isOfReference, tally.judged + tally.failed > 0
    else { return nil }
    let name = tally.phase.rawValue
    let refuted = JUnitSuite.Case.Outcome.failed(kind: "refuted", message: tally.note, text: "")
    return JUnitSuite.Case(
      className: className, name: name,
      outcome: failed(name) ?? (tally.failed == 0 ? .passed : refuted))
  }

  /// A known divergence is a test that is not run: it neither holds nor is it news that it fails.
  private func knownCase(_ tally: KnownTally) -> JUnitSuite.Case {
    let news = tally.state == .shows ? nil : tally.text
    return JUnitSuite.Case(
      className: "hymt2.known", name: tally.id,
      outcome: .skipped(
        "\(tally.title); seen on \(counted(tally.checkpoints, noun))"
          + (news.map { "; \($0)" } ?? "")))
  }

  /// The failures of a law by cause: the first of each in full, and how to see the others.
  private func failed(_ law: String) -> JUnitSuite.Case.Outcome? {
    let causes = failureGroups.map { $0.filter { $0.law.name == law } }.filter { !$0.isEmpty }
    guard let first = causes.first?.first else { return nil }
    let texts = causes.map { group in
      let others = group.dropFirst().map { "also    \($0.replayCommand)" }
      return (lines(of: group[0]).map(\.text) + others).joined(separator: "\n")
    }
    return .failed(
      kind: first.kind, message: first.sentence, text: texts.joined(separator: "\n\n"))
  }
}

/// One suite of tests as JUnit XML.
private struct JUnitSuite {
  struct Case {
    enum Outcome {
      case passed
      case skipped(String)
      case failed(kind: String, message: String, text: String)
    }

    let className: String
    let name: String
    let outcome: Outcome
  }

  let name: String
  let properties: [(name: String, value: String)]
  let cases: [Case]
  /// How long it took, if the report says so.
  var seconds: Double?

  var text: String {
    let failures = cases.count { if case .failed = $0.outcome { true } else { false } }
    let skipped = cases.count { if case .skipped = $0.outcome { true } else { false } }
    let time = seconds.map { " time=\"\($0.formatted)\"" as Markup } ?? ""
    let counts: Markup = """
      tests="\(cases.count)" failures="\(failures)" errors="0" skipped="\(skipped)"\(time)
      """
    let document: Markup = """
      <?xml version="1.0" encoding="UTF-8"?>
      <testsuites name="hymt2" \(counts)>
        <testsuite name="\(name)" \(counts)>
          <properties>
      \(properties.map { name, value in
        "      <property name=\"\(name)\" value=\"\(value)\"/>\n" as Markup
      })    </properties>
      \(cases.map(element))  </testsuite>
      </testsuites>

      """
    return document.text
  }

  private func element(_ one: Case) -> Markup {
    let head: Markup = "    <testcase classname=\"\(one.className)\" name=\"\(one.name)\""
    let content: Markup
    switch one.outcome {
    case .passed: return "\(head)/>\n"
    case .skipped(let message): content = "<skipped message=\"\(message)\"/>"
    case .failed(let kind, let message, let text):
      content =
        text.isEmpty
        ? "<failure type=\"\(kind)\" message=\"\(message)\"/>"
        : "<failure type=\"\(kind)\" message=\"\(message)\">\(text)</failure>"
    }
    return "\(head)>\n      \(content)\n    </testcase>\n"
  }
}

extension Double {
  /// A number of seconds to the tenth, as XML readers take it.
  fileprivate var formatted: String {
    guard isFinite, magnitude < 1e15 else { return "0" }
    let tenths = Int((self * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }
}

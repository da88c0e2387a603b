// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// One suite of tests as JUnit XML.
struct JUnitSuite {
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

extension JUnitSuite.Case {
  /// A law with the causes of its failures.
  init(
    _ tally: LawTally, _ causes: [[any ReportedFailure]], isBroken: Bool, lawCount: Int,
    className: String, noun: String
  ) {
    self.className = className
    name = tally.law.name
    if let first = causes.first?.first {
      let texts = causes.map { Self.text($0, lawCount) }
      outcome = .failed(
        kind: first.kind, message: first.sentence, text: texts.joined(separator: "\n\n"))
    } else if isBroken {
      let message =
        "broken on \(counted(tally.broken, noun)), always together with a law above"
      outcome = .failed(kind: "broken", message: message, text: "")
    } else {
      outcome = tally.judged == 0 ? .skipped("no checkpoint was of its kind") : .passed
    }
  }

  /// The first failure of a cause in full, and how to see the others.
  private static func text(_ group: [any ReportedFailure], _ lawCount: Int) -> String {
    let screen = FailureScreen(failure: group[0], lawCount: lawCount).lines.map(\.text)
    let others = group.dropFirst().map { "also    \($0.replayCommand)" }
    return (screen + others).joined(separator: "\n")
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

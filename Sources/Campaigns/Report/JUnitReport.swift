// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

extension CheckReport {
  /// The report as JUnit XML: one suite with a test case for each law, without times.
  public var junit: String {
    let broken = laws.count { isBroken($0) }
    let skipped = laws.count { $0.judged == 0 && !isBroken($0) }
    let counts: Markup = """
      tests="\(laws.count)" failures="\(broken)" errors="0" skipped="\(skipped)"
      """
    let document: Markup = """
      <?xml version="1.0" encoding="UTF-8"?>
      <testsuites name="hymt2" \(counts)>
        <testsuite name="hymt2 check" \(counts)>
          <properties>
            <property name="adapter" value="\(adapter)"/>
            <property name="seed" value="\(seed)"/>
            <property name="checkpoints" value="\(judged)"/>
            <property name="reproduce" value="\(command)"/>
          </properties>
      \(laws.map(testCase))  </testsuite>
      </testsuites>

      """
    return document.text
  }

  private func testCase(_ tally: LawTally) -> Markup {
    let head: Markup = "    <testcase classname=\"hymt2.check\" name=\"\(tally.law.name)\""
    if isBroken(tally) {
      return "\(head)>\n\(failureElement(tally))\n    </testcase>\n"
    }
    if tally.judged == 0 {
      return """
        \(head)>
              <skipped message="no checkpoint was of its kind"/>
            </testcase>

        """
    }
    return "\(head)/>\n"
  }

  private func failureElement(_ tally: LawTally) -> Markup {
    let own = failures.filter { $0.law == tally.law }
    guard let first = own.first else {
      let message =
        "broken on \(counted(tally.broken, "checkpoint")), always together with a law above"
      return "      <failure type=\"broken\" message=\"\(message)\"/>"
    }
    let text = own.map { failure in
      FailureScreen(failure: failure, lawCount: laws.count).lines.map(\.text)
        .joined(separator: "\n")
    }.joined(separator: "\n\n")
    return """
            <failure type="\(first.kind)" message="\(first.sentence)">\(text)</failure>
      """
  }
}

extension CheckFailure {
  /// What is wrong in one sentence.
  var sentence: String { diagnosis.first ?? summary }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CheckpointGenerators

extension CheckReport {
  /// The report as JUnit XML: one suite with a test case for each law, without times.
  public var junit: String {
    let broken = laws.count { isBroken($0) }
    let known = known?.tallies ?? []
    let skipped = laws.count { $0.judged == 0 && !isBroken($0) } + known.count
    let counts: Markup = """
      tests="\(laws.count + known.count)" failures="\(broken)" errors="0" skipped="\(skipped)"
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
      \(leftOut.map(property))    </properties>
      \(laws.map(testCase))\(known.map(testCase))  </testsuite>
      </testsuites>

      """
    return document.text
  }

  private func property(_ selection: AxisSelection) -> Markup {
    """
          <property name="left out: \(selection.axis)" value="\(
            selection.values.joined(separator: ", "))"/>

    """
  }

  /// A known divergence is a test that is not run: it neither holds nor is it news that it fails.
  private func testCase(_ tally: KnownTally) -> Markup {
    let state =
      tally.state == .shows ? "" : "; \(KnownLines.text(tally))"
    let message =
      "\(tally.divergence.title); seen on \(counted(tally.checkpoints, "checkpoint"))\(state)"
    return """
          <testcase classname="hymt2.known" name="\(tally.divergence.id)">
            <skipped message="\(message)"/>
          </testcase>

      """
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
    let text = groups(own).map(text).joined(separator: "\n\n")
    return """
            <failure type="\(first.kind)" message="\(first.sentence)">\(text)</failure>
      """
  }
}

extension CheckReport {
  /// The failures of one law by cause.
  private func groups(_ own: [CheckFailure]) -> [[CheckFailure]] {
    failureGroups.map { group in group.filter { one in own.contains { $0.token == one.token } } }
      .filter { !$0.isEmpty }
  }

  /// The first failure of a cause in full, and how to see the others.
  private func text(_ group: [CheckFailure]) -> String {
    let screen = FailureScreen(failure: group[0], lawCount: laws.count).lines.map(\.text)
    let others = group.dropFirst().map { "also    \($0.replayCommand)" }
    return (screen + others).joined(separator: "\n")
  }
}

extension CheckFailure {
  /// What is wrong in one sentence.
  var sentence: String { diagnosis.first ?? summary }
}

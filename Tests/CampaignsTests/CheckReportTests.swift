// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import PropertyEngine
import Testing

@testable import Campaigns

@Suite("The failures of a report")
struct CheckReportTests {
  @Test("Those of one cause stand together, the plainest checkpoint first, in the order of laws")
  func order() throws {
    let report = try TestReports.broken()
    let few = try #require(report.failures.first { $0.law.name == "few-experts" })
    let flat = try #require(report.failures.first { $0.law.name == "flat" })
    func failure(_ original: Failure, _ cause: String?, _ text: String) -> Failure {
      var failure = original
      failure.causes = cause.map { [Cause(code: $0, isTelling: true)] } ?? []
      failure.diagnosis = [text]
      return failure
    }
    var plainest = failure(flat, "cast", "plainest")
    plainest.choices = ChoiceSequence()
    let found = [
      failure(flat, nil, "vague"), failure(few, "cast", "larger"), plainest,
      failure(few, nil, "vague"), failure(flat, nil, "vague"), failure(flat, "swap", "swap"),
    ]
    var grouped = report
    grouped.failures = found
    grouped.sortByLaws()
    #expect(
      grouped.failures.map { "\($0.law.name) \($0.diagnosis[0])" } == [
        "flat plainest", "few-experts larger", "few-experts vague", "flat vague", "flat vague",
        "flat swap",
      ])
    #expect(grouped.failureGroups.map(\.count) == [2, 1, 2, 1])
  }
}

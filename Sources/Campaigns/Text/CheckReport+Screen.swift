// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

extension CheckReport {
  /// All that matters of one failure, within 40 lines of 100 columns.
  public func lines(of failure: CheckFailure) -> [ReportLine] {
    FailureScreen(failure: failure, lawCount: laws.count).lines
  }
}

extension ReportLine: CustomStringConvertible {
  /// The text, behind a mark where there is a verdict.
  public var description: String {
    verdict.map { ($0 ? "✔ " : "✘ ") + text } ?? text
  }
}

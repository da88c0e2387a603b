// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Synchronization
import Testing

@testable import PropertyTesting

/// What a body recorded and threw.
struct Recording: Sendable {
  var issues: [Issue] = []
  var error: (any Error)?

  /// Issues that fail a test.
  var failures: [Issue] { issues.filter { $0.severity >= .error } }
  var warnings: [Issue] { issues.filter { $0.severity < .error } }
  /// All comments of all issues.
  var text: String { issues.flatMap(\.comments).map(\.rawValue).joined(separator: "\n") }
}

/// Runs a body with its issues kept away from the current test.
func recording(_ body: @escaping @Sendable () async throws -> Void) async throws -> Recording {
  let issues = Mutex<[Issue]>([])
  let thrown = Mutex<(any Error)?>(nil)
  let trait = IssueHandlingTrait.compactMapIssues { issue in
    issues.withLock { $0.append(issue) }
    return nil
  }
  let test = try #require(Test.current)
  try await trait.provideScope(for: test, testCase: Test.Case.current) {
    do {
      try await body()
    } catch {
      thrown.withLock { $0 = error }
    }
  }
  return Recording(issues: issues.withLock { $0 }, error: thrown.withLock { $0 })
}

/// A folder of its own that goes when the body is done.
func withTemporaryFolder(_ body: (String) async throws -> Void) async throws {
  let folder = FileManager.default.temporaryDirectory.appending(path: "property-\(UUID())")
  defer { try? FileManager.default.removeItem(at: folder) }
  try await body(folder.path())
}

/// Runs a body as if the environment had only these variables.
func withEnvironment(
  _ values: [String: String], _ body: @Sendable () async throws -> Void
) async throws {
  try await PropertyEnvironment.$replacement.withValue(values, operation: body)
}

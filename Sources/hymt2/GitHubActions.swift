// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Campaigns
import Files

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// What a step of GitHub Actions shows beside its log; elsewhere nothing.
struct GitHubActions {
  private let console: Console

  init(_ console: Console) {
    self.console = console
  }

  /// Writes annotations to standard error, which GitHub reads too, and adds to the step's summary.
  func show(_ report: @autoclosure () -> GitHubReport) {
    guard Console.environment("GITHUB_ACTIONS") == "true" else { return }
    let report = report()
    for line in report.annotations { Console.put(line + "\n", to: STDERR_FILENO) }
    guard let path = Console.environment("GITHUB_STEP_SUMMARY") else { return }
    do {
      // The runner makes the file, and steps add to it.
      let file = try OpenFile(changing: path)
      // Bytes have no padding that could be read uninitialized.
      try file.write(unsafe Array(report.summary.utf8).span.bytes, at: file.byteCount())
    } catch {
      console.warn("cannot write the step's summary to '\(path)': \(error.reason)")
    }
  }
}

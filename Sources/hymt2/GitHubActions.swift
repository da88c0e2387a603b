// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Campaigns

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
    // The runner makes the file, and steps add to it.
    let descriptor = unsafe open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      return console.warn(
        "cannot write the step's summary to '\(path)': \(unsafe String(cString: strerror(errno)))")
    }
    Console.put(report.summary, to: descriptor)
    close(descriptor)
  }
}

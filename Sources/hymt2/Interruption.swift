// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import ArgumentParser
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// The wish of SIGHUP, SIGINT or SIGTERM to stop, noticed between pieces of work, so that what is
/// half done is removed first; a second signal stops the process at once.
struct Interruption: Error {
  private let signalNumber: Int32

  private static let pending = Atomic<Int32>(0)

  /// Begins to watch for signals that are not ignored, as `nohup` and shells arrange.
  static func watch() {
    // Makes the variable, which a handler must not do.
    pending.store(0, ordering: .relaxed)
    for number in [SIGHUP, SIGINT, SIGTERM] {
      // The handler does what handlers may: store a number and call signal.
      let previous = signal(number) { number in
        Interruption.pending.store(number, ordering: .relaxed)
        _ = signal(number, SIG_DFL)
      }
      // Handlers have the size of a pointer and are only compared.
      if unsafe unsafeBitCast(previous, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self) {
        _ = signal(number, SIG_IGN)
      }
    }
  }

  /// Whether a signal has come.
  static var isWished: Bool { pending.load(ordering: .relaxed) != 0 }

  /// Throws if a signal has come.
  static func check() throws(Interruption) {
    let number = pending.load(ordering: .relaxed)
    if number != 0 { throw Interruption(signalNumber: number) }
  }

  /// What a run that found nothing is worth if a signal has come, which is exit status 2.
  static func outcome(holds: Bool, _ console: Console) throws -> Bool {
    let number = pending.load(ordering: .relaxed)
    guard number != 0 else { return holds }
    console.warn("stopped by signal \(number) before the end; the report has what was checked")
    if holds { throw ExitCode(2) }
    return false
  }

  /// Ends the process as the signal would have done.
  func endProcess() {
    _ = signal(signalNumber, SIG_DFL)
    _ = raise(signalNumber)
  }
}

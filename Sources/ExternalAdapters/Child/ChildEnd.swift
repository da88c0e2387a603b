// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Subprocess

#if canImport(Glibc)
internal import Glibc
#else
internal import Musl
#endif

/// How a child process ended.
struct ChildEnd {
  /// The exit status, nil if a signal ended the process or it could not be ended.
  let exitStatus: Int32?
  private let signal: Int32?

  init(_ status: TerminationStatus?) {
    switch status {
    case .exited(let code): (exitStatus, signal) = (Int32(code), nil)
    case .signaled(let number): (exitStatus, signal) = (nil, Int32(number))
    case nil: (exitStatus, signal) = (nil, nil)
    }
  }

  /// What happened, as in "the process …".
  var description: String {
    if let signal { return "was ended by \(Self.name(of: signal))" }
    guard let exitStatus else { return "does not end" }
    let isOfSignal = Self.names.contains { $0.number + 128 == exitStatus }
    return "exited with status \(exitStatus)"
      + (isOfSignal ? ", as a shell reports \(Self.name(of: exitStatus - 128))" : "")
  }

  private static let names: [(number: Int32, name: String)] = [
    (SIGHUP, "SIGHUP"), (SIGINT, "SIGINT"), (SIGQUIT, "SIGQUIT"), (SIGILL, "SIGILL"),
    (SIGTRAP, "SIGTRAP"), (SIGABRT, "SIGABRT"), (SIGBUS, "SIGBUS"), (SIGFPE, "SIGFPE"),
    (SIGKILL, "SIGKILL"), (SIGSEGV, "SIGSEGV"), (SIGPIPE, "SIGPIPE"), (SIGALRM, "SIGALRM"),
    (SIGTERM, "SIGTERM"), (SIGXCPU, "SIGXCPU"), (SIGSYS, "SIGSYS"),
  ]

  private static func name(of signal: Int32) -> String {
    names.first { $0.number == signal }?.name ?? "signal \(signal)"
  }
}

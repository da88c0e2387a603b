// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Glibc

/// How a child process ended.
struct ChildEnd {
  /// The exit status, nil if a signal ended the process or it could not be ended.
  let exitStatus: Int32?
  private let signal: Int32?

  /// Looks how a process ended without reaping it.
  init(of identifier: Int32) {
    var information = unsafe siginfo_t()
    // The structure lives as long as the call.
    let status = unsafe waitid(
      P_PID, id_t(identifier), &information, WEXITED | WNOHANG | WNOWAIT)
    let code = unsafe information.si_code
    let value = unsafe information._sifields._sigchld.si_status
    let hasEnded = unsafe status == 0 && information.si_signo != 0
    switch hasEnded ? Int(code) : 0 {
    case Int(CLD_EXITED): (exitStatus, signal) = (value, nil)
    case Int(CLD_KILLED), Int(CLD_DUMPED): (exitStatus, signal) = (nil, value)
    default: (exitStatus, signal) = (nil, nil)
    }
  }

  /// Whether the process has ended.
  var isKnown: Bool { exitStatus != nil || signal != nil }

  /// What happened, as in "the process …".
  var description: String {
    if let signal { return "was ended by \(Self.name(of: signal))" }
    guard let exitStatus else { return "does not end" }
    let isOfSignal = Self.names.contains { $0.number + 128 == exitStatus }
    return "exited with status \(exitStatus)"
      + (isOfSignal ? " (\(Self.name(of: exitStatus - 128)), as a shell reports it)" : "")
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

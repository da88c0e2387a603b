// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
import Files

/// Why there is no answer from a child, in words.
struct ChildFault: Error {
  let kind: Misbehaviour.Kind
  /// What was expected and found; after the end of the child, when that was.
  private(set) var account: String
  /// The position of the request concerned.
  var index = 0
  /// Whether the process ended by itself.
  private(set) var isEnd = false
  /// Whether there is no answer for something else, and the process has ended by itself, too.
  private(set) var isBesideEnd = false
  /// Whether nobody waits for an answer any longer.
  private(set) var isCancelled = false
  /// Whether the answer is one of another protocol.
  var isOtherProtocol = false
  /// What is kept of standard error.
  private(set) var errors: [UInt8] = []
  /// The exit status, if the process exited by itself.
  private var exitStatus: Int32?
  /// The reason if no process could be started.
  private var systemError: ExternalAdapterError?

  init(_ kind: Misbehaviour.Kind, _ account: String) {
    self.kind = kind
    self.account = account
  }

  init(_ error: ExternalAdapterError) {
    self.init(.crashed, error.description)
    systemError = error
  }

  static var cancelled: ChildFault {
    var fault = ChildFault(.hung, "nobody waits for the answer any longer")
    fault.isCancelled = true
    return fault
  }

  /// The end of a child; how it ended is added by `complete`.
  static func end(_ time: String, hasExited: Bool = true) -> ChildFault {
    var fault = ChildFault(
      .crashed, hasExited ? time : "closed its standard output \(time)")
    fault.isEnd = hasExited
    return fault
  }

  /// The same of a process that has ended.
  var besideEnd: ChildFault {
    var fault = self
    fault.isBesideEnd = true
    return fault
  }

  /// Bytes that are no frame, shown with those that are there after them.
  static func garbage(_ bytes: [UInt8], _ pipe: borrowing PipeEnd) -> ChildFault {
    ChildFault(
      .garbage,
      "expected a frame, found \(DisplayText.bytes(bytes + pipe.available(64))) where a frame's size "
        + "should be; only frames may go to standard output, all else to standard error")
  }

  /// Adds how the child ended and what it said last.
  mutating func complete(_ end: ChildEnd, _ said: String?, _ errors: [UInt8]) {
    if isEnd {
      account = "the process \(end.description) \(account)"
      exitStatus = end.exitStatus
    } else if kind == .crashed {
      account = "the process \(account)"
    } else if isBesideEnd {
      account += "; the process \(end.description)"
    }
    if let said { account += "; standard error: \(said)" }
    self.errors = errors
  }

  /// The error of an adapter that cannot be used at all.
  ///
  /// - Parameter place: Where what it said is kept, as in "it is kept in …".
  func adapterError(_ command: String, _ place: String) -> ExternalAdapterError {
    if let systemError { return systemError }
    let account = "\(account)\(errors.isEmpty ? "" : "; the request is \(place)")"
    if let exitStatus, exitStatus == 127 || exitStatus == 126 {
      return ExternalAdapterError(
        .commandNotFound, of: command, expected: "a command that /bin/sh can run",
        found: account, remedy: "check its spelling, its path and whether it is installed")
    }
    if isOtherProtocol {
      return ExternalAdapterError(
        .wrongProtocol, of: command, expected: "the protocol '\(ProtocolFrame.protocolName)'",
        found: account,
        remedy: "use a version of the adapter that speaks it")
    }
    return ExternalAdapterError(
      .noHello, of: command, expected: "an answer to 'hello'",
      found: "\(kind.rawValue): \(account)",
      remedy: isEnd
        ? "run the command in a shell: it must wait for requests (docs/adapter-protocol.md)"
        : "see docs/adapter-protocol.md for what it must answer")
  }
}

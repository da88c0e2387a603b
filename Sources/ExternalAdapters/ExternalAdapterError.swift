// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What keeps an adapter in another process from being used, and what helps.
public struct ExternalAdapterError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The kinds.
  public enum Code: String, Sendable {
    /// The shell did not find the command, or may not run it.
    case commandNotFound
    /// The system could not start a process.
    case notStarted
    /// The process ended, hung or wrote something else instead of answering `hello`.
    case noHello
    /// The adapter refused `hello`.
    case helloRefused
    /// The adapter speaks another protocol.
    case wrongProtocol
    /// A request could not be written as a frame.
    case unencodable
  }

  /// The kind.
  public let code: Code
  /// The command.
  public let command: String
  /// What would have been right.
  public let expected: String
  /// What happened.
  public let found: String
  /// What helps.
  public let remedy: String

  /// The text shown to people.
  public var description: String {
    "the adapter '\(Legible.text(command, atMost: 200))': expected \(expected), found \(found); "
      + remedy
  }
}

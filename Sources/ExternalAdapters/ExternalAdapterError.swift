// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Files

/// What keeps an adapter in another process from being used, and what helps.
public typealias ExternalAdapterError = PlacedError<ExternalAdapterFault>

/// What can keep an adapter in another process from being used.
public enum ExternalAdapterFault: String, Sendable {
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
}

extension ExternalAdapterError {
  init(
    _ code: ExternalAdapterFault, of command: String, expected: String, found: String,
    remedy: String
  ) {
    self.init(
      code, "the adapter '\(DisplayText.text(command, atMost: 200))'", expected: expected,
      found: found, remedy: remedy)
  }
}

/// An error that an adapter in another process answered with.
public struct ExternalRefusal: Error, Sendable, Hashable, CustomStringConvertible {
  /// The type of the error as the adapter names it.
  public let type: String
  /// The text of the error, whole.
  public let message: String
  /// The file and the line that the error comes from, if the adapter says so.
  public let place: String?

  /// Creates a refusal.
  public init(type: String, message: String, place: String? = nil) {
    self.type = type
    self.message = message
    self.place = place
  }

  private static let printedCharacters = 2000

  /// The text shown to people, on one line.
  public var description: String {
    let text = message.isEmpty ? type : "\(type): \(message)"
    return DisplayText.text(text, atMost: Self.printedCharacters)
      + (place.map { " (\(DisplayText.text($0, atMost: 200)))" } ?? "")
  }
}

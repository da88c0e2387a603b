// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// An error that an adapter in another process answered with.
public struct ExternalRefusal: Error, Sendable, Hashable, CustomStringConvertible {
  /// The type of the error as the adapter names it.
  public let type: String
  /// The text of the error, whole.
  public let message: String

  /// Creates a refusal.
  public init(type: String, message: String) {
    self.type = type
    self.message = message
  }

  private static let printedCharacters = 2000

  /// The text shown to people, on one line.
  public var description: String {
    let text = message.isEmpty ? type : "\(type): \(message)"
    return Legible.text(text, atMost: Self.printedCharacters)
  }
}

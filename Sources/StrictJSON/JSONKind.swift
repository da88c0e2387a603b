// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// The type of a JSON value.
public enum JSONKind: Sendable, CustomStringConvertible {
  case null
  case bool
  case number
  case string
  case array
  case object

  /// The text shown to people, with its article.
  public var description: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}

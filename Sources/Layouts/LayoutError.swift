// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What is wrong with a layout table, and where.
public struct LayoutError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The name of the table.
  public let table: String
  /// The line, from 1, or nil where the fault concerns the whole table.
  public let line: Int?
  /// The field, such as `tensors.model.norm.weight.shape`.
  public let field: String
  /// What should stand there.
  public let expected: String
  /// What stands there.
  public let found: String

  /// Creates an error.
  public init(table: String, line: Int?, field: String, expected: String, found: String) {
    self.table = table
    self.line = line
    self.field = field
    self.expected = expected
    self.found = found
  }

  /// The text shown to people.
  public var description: String {
    let place = line.map { ", line \($0)" } ?? ""
    return "layout \(table)\(place): \(field): expected \(expected), found \(found)"
  }
}

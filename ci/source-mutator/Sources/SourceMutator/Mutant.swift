// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// One small mistake in the source of one file.
public struct Mutant: Sendable, Equatable {
  /// The kind of mistake.
  public let operation: MutationOperator
  /// The file, from the root of the package.
  public let file: String
  /// The line on which the changed text begins, from one.
  public let line: Int
  /// The types and the function in which it stands.
  public let function: String
  /// The text that is changed, on one line.
  public let original: String
  /// What is put in its place, on one line.
  public let changed: String
  /// Its place among those that agree in all else but the line, from one.
  public internal(set) var ordinal = 1

  /// What stays the same when lines above are added or removed.
  public var key: String {
    [file, function, operation.rawValue, original, changed, "\(ordinal)"].joined(separator: " | ")
  }
}

/// A place in a file with what can be changed there.
struct MutationSite: Sendable {
  /// How the mutants of a site are switched on.
  enum Form: Sendable {
    /// The expression, or the changed one.
    case expression
    /// The statement, or the changed one, or none.
    case statement
    /// Nothing, or one more condition after a list of conditions.
    case condition
    /// Nothing to change: a declaration or statement by which errors are placed.
    case mark
  }

  let form: Form
  /// The bytes of the file that are concerned.
  let bytes: Range<Int>
  /// Where the changes stand among the mutants of the file, with their text.
  var changes: [(mutant: Int, text: String)] = []
}

/// The sites of a file, with their mutants numbered from zero.
struct MutatedFile: Sendable {
  let path: String
  let source: [UInt8]
  var mutants: [Mutant]
  var sites: [MutationSite]
}

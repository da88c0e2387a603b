// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What is wrong with a file or another input: the kind of the fault, where it is, and what helps.
public struct PlacedError<Kind: Hashable & Sendable>: Error, Hashable, CustomStringConvertible {
  /// The kinds of faults.
  public typealias Code = Kind

  /// The kind of the fault.
  public let code: Kind
  /// The file or whatever else is concerned, and what of it.
  public let place: String
  /// What would have been right.
  public let expected: String
  /// What is there.
  public let found: String
  /// What helps.
  public let remedy: String

  /// Creates an error.
  public init(
    _ code: Kind, _ place: String, expected: String, found: String, remedy: String
  ) {
    self.code = code
    self.place = place
    self.expected = expected
    self.found = found
    self.remedy = remedy
  }

  /// The text shown to people.
  public var description: String {
    "\(place): expected \(expected), found \(found); \(remedy)"
  }
}

/// Kinds of faults, one of which is that the system could not do something with a file.
public protocol FileFaultKind: Hashable, Sendable {
  /// A system call failed.
  static var file: Self { get }
}

extension PlacedError where Kind: FileFaultKind {
  /// The error of a file or folder.
  public init(_ error: FileError) {
    self.init(
      .file, error.path, expected: "to \(error.operation)", found: error.reason,
      remedy: error.remedy)
  }

  /// Calls a closure, and gives its error as one of this type.
  public static func ofFiles<R: ~Copyable>(
    _ body: () throws(FileError) -> R
  ) throws(Self) -> R {
    do {
      return try body()
    } catch {
      throw Self(error)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What is wrong with a set of golden files, where, and what helps.
public struct GoldenError: Error, Hashable, CustomStringConvertible {
  /// The kind of a fault.
  public enum Code: String, Sendable, CaseIterable {
    /// A system call failed.
    case file
    /// The manifest is not what a manifest is.
    case malformedManifest
    /// The manifest or a file has a format version that this program does not know.
    case unknownFormatVersion
    /// Two cases have one name, or one file.
    case duplicateCase
    /// A name of a case or a file could lead out of the folder.
    case invalidName
    /// The manifest names a file that is not there.
    case missingFile
    /// The folder holds something that the manifest does not name.
    case orphan
    /// A file has another size or SHA-256 than the manifest says.
    case wrongFile
    /// A file is no golden file.
    case malformedFile
    /// The content has not the SHA-256 that is stated.
    case wrongContent
    /// The description of a case is not what a description is.
    case malformedDescription
    /// No case has the name asked for.
    case unknownCase
    /// The new set is where the old one is, or inside it.
    case invalidPlace
    /// Another process is changing the set.
    case busy
  }

  /// The kind of the fault.
  public let code: Code
  /// The file, folder or case concerned.
  public let place: String
  /// What would have been right.
  public let expected: String
  /// What is there.
  public let found: String
  /// What helps.
  public let remedy: String

  init(
    _ code: Code, _ place: String, expected: String, found: String,
    remedy: String = "take the set from where it was committed, or propose it anew"
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

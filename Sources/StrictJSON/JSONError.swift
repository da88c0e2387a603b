// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What is wrong with a JSON text, and where.
public struct JSONError: Error, Hashable, CustomStringConvertible {
  /// The kind of a fault.
  public enum Code: String, Sendable {
    /// The text ends inside a value.
    case unexpectedEnd
    /// A byte stands where the grammar does not allow it.
    case unexpectedByte
    /// The text begins with a byte order mark.
    case byteOrderMark
    /// Something follows the value.
    case trailingBytes
    /// A comma stands before a closing bracket.
    case trailingComma
    /// Two members of one object have the same key.
    case duplicateKey
    /// A string is not UTF-8.
    case invalidUTF8
    /// A `\u` escape is half of a surrogate pair.
    case loneSurrogate
    /// A string holds an unescaped control character.
    case controlCharacter
    /// A backslash is followed by something that is no escape.
    case invalidEscape
    /// A number is malformed.
    case invalidNumber
    /// Arrays and objects are nested too deeply.
    case tooDeep
    /// A value is well-formed but not of the type that is read.
    case typeMismatch
    /// An object of known members has another.
    case unknownMember
    /// An object of known members lacks one.
    case missingMember
  }

  /// The kind of the fault.
  public let code: Code
  /// The offset of the offending byte from the start of the text.
  public let byteOffset: Int
  /// The line of the offending byte, from 1.
  public let line: Int
  /// The position of the offending byte in its line, in bytes, from 1.
  public let column: Int
  /// The value concerned, as in `$.weight_map["a.b"][3]`.
  public let path: String
  /// What would have been right.
  public let expected: String
  /// What stands there.
  public let found: String

  /// The text shown to people.
  public var description: String {
    "line \(line), column \(column) (byte \(byteOffset)), at \(path): "
      + "expected \(expected), found \(found)"
  }
}

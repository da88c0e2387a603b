// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

extension JSONReader {
  /// Makes the error of an object whose last read key is not one of its known keys.
  public func unknownMember(_ key: String, known: [String]) -> JSONError {
    let known = known.map(JSONPath.quoted).joined(separator: ", ")
    return error(
      .unknownMember, at: tokenOffset, expected: "only the members \(known)",
      found: JSONPath.quoted(key))
  }

  /// Makes the error of an object that has just been left without one of its known keys.
  public func missingMember(_ key: String) -> JSONError {
    error(
      .missingMember, at: max(offset - 1, 0), expected: "a member \(JSONPath.quoted(key))",
      found: "the end of the object")
  }

  /// Makes the error of a byte that the grammar does not allow at the current offset.
  func syntaxError(expected: String) -> JSONError {
    error(
      offset < bytes.count ? .unexpectedByte : .unexpectedEnd, at: offset, expected: expected)
  }

  /// Makes an error about the value that is being read.
  func error(
    _ code: JSONError.Code, at offset: Int, expected: String, found: String? = nil
  ) -> JSONError {
    var line = 1
    var lineStart = 0
    for index in 0..<min(offset, bytes.count) where bytes[index] == UInt8(ascii: "\n") {
      line += 1
      lineStart = index + 1
    }
    return JSONError(
      code: code, byteOffset: offset, line: line, column: offset - lineStart + 1, path: path,
      expected: expected, found: found ?? describeInput(at: offset))
  }

  /// Describes what is at an offset: a word, a character or a byte.
  private func describeInput(at offset: Int) -> String {
    guard offset < bytes.count else { return "the end of the text" }
    var end = offset
    while end < bytes.count, end < offset + 16, isWordByte(bytes[end]) { end += 1 }
    let word = bytes.extracting(offset..<max(end, offset + 1))
    if (0x20..<0x7f).contains(bytes[offset]), let text = try? UTF8Span(validating: word) {
      return "'\(String(copying: text))'"
    }
    let digits = String(bytes[offset], radix: 16)
    return "the byte 0x" + (digits.utf8.count == 1 ? "0" : "") + digits
  }

  private func isWordByte(_ byte: UInt8) -> Bool {
    let character = Character(Unicode.Scalar(byte))
    return character.isASCII && (character.isLetter || character.isNumber)
  }

  /// Shortens a text of unlimited length for a message.
  func abbreviated(_ text: String) -> String {
    text.utf8.count <= 40 ? text : String(text.prefix(40)) + "..."
  }
}

/// The spelling of paths to values.
enum JSONPath {
  /// The text that leads from an object to its member.
  static func component(_ key: String) -> String {
    let isIdentifier =
      !key.isEmpty
      && key.utf8.allSatisfy {
        $0 == UInt8(ascii: "_") || ($0 | 0x20) &- UInt8(ascii: "a") < 26
          || $0 &- UInt8(ascii: "0") < 10
      }
    return isIdentifier ? "." + key : "[" + quoted(key) + "]"
  }

  static func quoted(_ key: String) -> String {
    JSONValue.string(key).text(.compact)
  }
}

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
  /// What is there.
  public let found: String

  /// The text shown to people.
  public var description: String {
    "line \(line), column \(column) (byte \(byteOffset)), at \(path): "
      + "expected \(expected), found \(found)"
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

extension JSONReader {
  /// Reads the string whose opening quote is the next byte.
  mutating func readStringToken() throws(JSONError) -> String {
    tokenOffset = offset
    let start = offset + 1
    var end = start
    var hasEscapes = false
    scan: while true {
      guard end < bytes.count else {
        throw error(.unexpectedEnd, at: bytes.count, expected: "the string's closing quote")
      }
      switch bytes[end] {
      case UInt8(ascii: "\""):
        break scan
      case UInt8(ascii: "\\"):
        hasEscapes = true
        end += 2
      case 0..<0x20:
        throw error(
          .controlCharacter, at: end, expected: "control characters in strings to be escaped")
      default:
        end += 1
      }
    }
    let plain = try text(start..<end)
    offset = end + 1
    return hasEscapes ? try unescape(start..<end) : plain
  }

  /// Returns the UTF-8 text of a part of the input.
  func text(_ range: Range<Int>) throws(JSONError) -> String {
    do {
      return String(copying: try UTF8Span(validating: bytes.extracting(range)))
    } catch {
      throw self.error(
        .invalidUTF8, at: range.lowerBound + error.byteOffsets.lowerBound, expected: "UTF-8")
    }
  }

  /// Returns the text of a part of the input that is UTF-8 and holds escapes.
  private func unescape(_ range: Range<Int>) throws(JSONError) -> String {
    var result: [UInt8] = []
    result.reserveCapacity(range.count)
    var cursor = range.lowerBound
    while cursor < range.upperBound {
      let byte = bytes[cursor]
      guard byte == UInt8(ascii: "\\") else {
        result.append(byte)
        cursor += 1
        continue
      }
      // A closing quote follows the range, so the byte after the backslash exists.
      let letter = bytes[cursor + 1]
      if letter == UInt8(ascii: "u") {
        let (scalar, length) = try unicodeEscape(at: cursor, end: range.upperBound)
        result.append(contentsOf: UTF8.encode(scalar).map(Array.init) ?? [])
        cursor += length
        continue
      }
      let escape = JSONEscape.all.first { $0.letter == letter }
      guard escape != nil || letter == UInt8(ascii: "/") else {
        throw error(
          .invalidEscape, at: cursor, expected: #"one of \" \\ \/ \b \f \n \r \t \uXXXX"#)
      }
      result.append(escape?.byte ?? letter)
      cursor += 2
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// Returns the character of a `\u` escape or of a surrogate pair of two, and the length read.
  private func unicodeEscape(
    at start: Int, end: Int
  ) throws(JSONError) -> (Unicode.Scalar, length: Int) {
    let first = try codeUnit(at: start, end: end)
    if let scalar = Unicode.Scalar(first) { return (scalar, 6) }
    if first < 0xdc00, start + 7 < end, bytes[start + 6] == UInt8(ascii: "\\"),
      bytes[start + 7] == UInt8(ascii: "u")
    {
      let second = try codeUnit(at: start + 6, end: end)
      if (0xdc00..<0xe000).contains(second),
        let scalar = Unicode.Scalar(0x10000 + ((first - 0xd800) << 10 | (second - 0xdc00)))
      {
        return (scalar, 12)
      }
    }
    throw error(.loneSurrogate, at: start, expected: "surrogates in pairs")
  }

  private func codeUnit(at start: Int, end: Int) throws(JSONError) -> UInt32 {
    var value: UInt32 = 0
    for index in start + 2..<start + 6 {
      guard index < end, let digit = Character(Unicode.Scalar(bytes[index])).hexDigitValue else {
        throw error(.invalidEscape, at: start, expected: #"four hexadecimal digits after \u"#)
      }
      value = value << 4 | UInt32(digit)
    }
    return value
  }

}

/// A character that is written as a backslash and a letter.
enum JSONEscape {
  static let all: [(letter: UInt8, byte: UInt8)] = [
    (UInt8(ascii: "\""), UInt8(ascii: "\"")), (UInt8(ascii: "\\"), UInt8(ascii: "\\")),
    (UInt8(ascii: "b"), 0x08), (UInt8(ascii: "t"), 0x09), (UInt8(ascii: "n"), 0x0a),
    (UInt8(ascii: "f"), 0x0c), (UInt8(ascii: "r"), 0x0d),
  ]
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

extension JSONReader {
  /// Returns the type of the next value without reading it.
  ///
  /// - Throws: `JSONError` if no value begins here.
  public mutating func peek() throws(JSONError) -> JSONKind {
    skipWhitespace()
    guard offset < bytes.count else { throw syntaxError(expected: "a value") }
    switch bytes[offset] {
    case UInt8(ascii: "{"): return .object
    case UInt8(ascii: "["): return .array
    case UInt8(ascii: "\""): return .string
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
    case UInt8(ascii: "I") where acceptsNonFinite, UInt8(ascii: "N") where acceptsNonFinite:
      return .number
    case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
    case UInt8(ascii: "n"): return .null
    case 0xef where offset == 0 && bytes.count >= 3 && bytes[1] == 0xbb && bytes[2] == 0xbf:
      throw error(.byteOrderMark, at: 0, expected: "a value", found: "a byte order mark")
    default: throw syntaxError(expected: "a value")
    }
  }

  /// Checks the type of the next value.
  mutating func expect(_ kind: JSONKind) throws(JSONError) {
    let found = try peek()
    guard found == kind else {
      throw error(
        .typeMismatch, at: offset, expected: kind.description, found: found.description)
    }
  }

  /// Reads null.
  ///
  /// - Throws: `JSONError`.
  public mutating func readNull() throws(JSONError) {
    try expect(.null)
    try readWord("null")
  }

  /// Reads a boolean.
  ///
  /// - Throws: `JSONError`.
  public mutating func readBool() throws(JSONError) -> Bool {
    try expect(.bool)
    let value = bytes[offset] == UInt8(ascii: "t")
    try readWord(value ? "true" : "false")
    return value
  }

  private mutating func readWord(_ word: StaticString) throws(JSONError) {
    tokenOffset = offset
    for character in word.description.utf8 {
      guard offset < bytes.count, bytes[offset] == character else {
        let isTruncated = offset == bytes.count
        throw error(
          isTruncated ? .unexpectedEnd : .unexpectedByte, at: isTruncated ? offset : tokenOffset,
          expected: "'\(word)'")
      }
      offset += 1
    }
  }

  /// Reads a string.
  ///
  /// - Throws: `JSONError`.
  public mutating func readString() throws(JSONError) -> String {
    try expect(.string)
    return try readStringToken()
  }

  /// Reads a number.
  ///
  /// - Throws: `JSONError`.
  public mutating func readNumber() throws(JSONError) -> JSONNumber {
    try expect(.number)
    tokenOffset = offset
    if acceptsNonFinite {
      for word in ["NaN", "Infinity", "-Infinity"] where isNext(word) {
        offset += word.utf8.count
        return JSONNumber(validLiteral: word)
      }
    }
    if bytes[offset] == UInt8(ascii: "-") { offset += 1 }
    if offset < bytes.count, bytes[offset] == UInt8(ascii: "0") {
      offset += 1
      guard offset == bytes.count || !isDigit(bytes[offset]) else {
        throw error(.invalidNumber, at: offset, expected: "no digit after a leading 0")
      }
    } else {
      try readDigits()
    }
    if offset < bytes.count, bytes[offset] == UInt8(ascii: ".") {
      offset += 1
      try readDigits()
    }
    if offset < bytes.count, bytes[offset] | 0x20 == UInt8(ascii: "e") {
      offset += 1
      if offset < bytes.count,
        bytes[offset] == UInt8(ascii: "+") || bytes[offset] == UInt8(ascii: "-")
      {
        offset += 1
      }
      try readDigits()
    }
    return JSONNumber(validLiteral: try text(tokenOffset..<offset))
  }

  private func isNext(_ word: String) -> Bool {
    var next = offset
    for byte in word.utf8 {
      guard next < bytes.count, bytes[next] == byte else { return false }
      next += 1
    }
    return true
  }

  /// Reads a number that must be an integer literal of at least a bound.
  ///
  /// - Throws: `JSONError`.
  public mutating func readInteger(atLeast minimum: Int = .min) throws(JSONError) -> Int {
    let number = try readNumber()
    guard let integer = number.integer, integer >= minimum else {
      let bound = minimum == .min ? "" : " of at least \(minimum)"
      throw mismatch(number, expected: "a 64-bit integer\(bound)")
    }
    return integer
  }

  /// Reads a number that must be whole and at least a bound, however it is written.
  ///
  /// - Throws: `JSONError`.
  public mutating func readWholeNumber(atLeast minimum: Int) throws(JSONError) -> JSONNumber {
    let number = try readNumber()
    guard let whole = number.whole, whole >= minimum else {
      throw mismatch(number, expected: "a whole number of at least \(minimum)")
    }
    return number
  }

  private func mismatch(_ number: JSONNumber, expected: String) -> JSONError {
    error(
      .typeMismatch, at: tokenOffset, expected: expected, found: abbreviated(number.literal))
  }

  private mutating func readDigits() throws(JSONError) {
    let start = offset
    while offset < bytes.count, isDigit(bytes[offset]) { offset += 1 }
    guard offset > start else {
      let code: JSONError.Code = offset == bytes.count ? .unexpectedEnd : .invalidNumber
      throw error(code, at: offset, expected: "a digit")
    }
  }

  private func isDigit(_ byte: UInt8) -> Bool {
    byte &- UInt8(ascii: "0") < 10
  }

  mutating func skipWhitespace() {
    while offset < bytes.count {
      switch bytes[offset] {
      case 0x20, 0x09, 0x0a, 0x0d: offset += 1
      default: return
      }
    }
  }
}

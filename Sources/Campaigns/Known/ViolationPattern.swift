// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import StrictJSON

/// Violations by their law, kind and place, in each of which `*` stands for any text.
public struct ViolationPattern: Sendable, Hashable {
  /// The name of the law.
  public var law: String
  /// The way it fails.
  public var kind: String
  /// The class of tensors where it fails.
  public var place: String

  /// Creates a pattern.
  public init(law: String, kind: String = "*", place: String = "*") {
    self.law = law
    self.kind = kind
    self.place = place
  }

  /// Whether a violation of a law is one of these.
  func matches(_ law: String, _ violation: Violation) -> Bool {
    matchesLaw(law) && Self.matches(kind, violation.kind) && Self.matches(place, violation.place)
  }

  /// Whether violations of a law can be among these.
  func matchesLaw(_ name: String) -> Bool { Self.matches(law, name) }

  /// Whether a pattern stands for a text.
  ///
  /// - Complexity: O(bytes of the pattern × bytes of the text).
  static func matches(_ pattern: String, _ text: String) -> Bool {
    let (pattern, text) = (Array(pattern.utf8), Array(text.utf8))
    var (position, next) = (0, 0)
    // Where the last star is, and how much of the text it does not take.
    var star: (position: Int, next: Int)?
    while next < text.count {
      if position < pattern.count, pattern[position] == UInt8(ascii: "*") {
        star = (position, next)
        position += 1
      } else if position < pattern.count, pattern[position] == text[next] {
        position += 1
        next += 1
      } else if let last = star {
        star = (last.position, last.next + 1)
        (position, next) = (last.position + 1, last.next + 1)
      } else {
        return false
      }
    }
    return pattern[position...].allSatisfy { $0 == UInt8(ascii: "*") }
  }
}

extension ViolationPattern {
  /// Reads the three members, of whatever others there are.
  init(_ field: JSONField) throws(JSONFieldError) {
    self.init(
      law: try field["law"].text(), kind: try field["kind"].string(),
      place: try field["place"].string())
  }

  var json: JSONValue { ["law": .string(law), "kind": .string(kind), "place": .string(place)] }
}

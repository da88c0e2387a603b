// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Testing

@testable import Campaigns

@Suite("Patterns of violations")
struct ViolationPatternTests {
  @Test("A star stands for any text, everything else for itself")
  func texts() {
    let matching = [
      ("", ""), ("*", ""), ("*", "any text"), ("a*", "a"), ("*b", "aab"), ("a*c", "abbc"),
      ("a*b*c", "a1b2b3c"), ("**", "x"), ("*.experts.*", "mlp.experts.gate"), ("é*", "éa"),
      ("a*a", "aa"), ("*ab", "aab"),
    ]
    for (pattern, text) in matching {
      #expect(ViolationPattern.matches(pattern, text), "\(pattern) \(text)")
    }
    let others = [
      ("", "a"), ("a", ""), ("a*", "b"), ("*b", "abc"), ("a*c", "ab"), ("a*a", "a"), ("A", "a"),
      ("a?", "ab"), ("a*b*c", "acb"),
    ]
    for (pattern, text) in others {
      #expect(!ViolationPattern.matches(pattern, text), "\(pattern) \(text)")
    }
  }

  @Test("Law, kind and place must all match")
  func components() {
    let violation = Violation(code: "cast", place: "experts", step: .roundTrip, "")
    #expect(ViolationPattern(law: "types").matches("types", violation))
    #expect(ViolationPattern(law: "*", kind: "c*", place: "experts").matches("types", violation))
    #expect(!ViolationPattern(law: "keys").matches("types", violation))
    #expect(!ViolationPattern(law: "types", kind: "lost").matches("types", violation))
    #expect(!ViolationPattern(law: "types", place: "router").matches("types", violation))
  }
}

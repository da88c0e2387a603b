// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Testing

@testable import Adapters

@Suite("Sources by number, few or many")
struct NumberedSourcesTests {
  @Test("A source is found under its number and nowhere else, however many there are")
  func updates() {
    let nameCount = 1000
    for (expected, stored) in [(0, 3), (0, 16), (0, 500), (1, 1), (400, 10), (1000, 1000)] {
      var sources = NumberedSources(nameCount: nameCount, expectedCount: expected)
      let numbers = (0..<stored).map { $0 * 7 % nameCount }
      let before = numbers.enumerated().filter { source, number in
        sources.update(source, forNumber: number) != nil
      }
      #expect(before.isEmpty)
      let wrong = (0..<nameCount).filter { sources[$0] != numbers.firstIndex(of: $0) }
      #expect(wrong == [], "\(stored) stored, \(expected) expected")
    }
  }

  @Test("A second source of a number takes the place of the first, which is returned")
  func replacement() {
    for expected in [0, 1000] {
      var sources = NumberedSources(nameCount: 1000, expectedCount: expected)
      #expect(sources.update(0, forNumber: 999) == nil)
      #expect(sources.update(5, forNumber: 999) == 0)
      #expect(sources[999] == 5)
    }
  }

  @Test("A catalog without names has no sources")
  func empty() {
    #expect(NumberedSources(nameCount: 0, expectedCount: 0)[0] == nil)
  }
}

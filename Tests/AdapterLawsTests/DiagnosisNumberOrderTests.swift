// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Testing

@testable import AdapterLaws

@Suite("NumberOrder")
struct DiagnosisNumberOrderTests {
  @Test("Each order is named")
  func names() {
    let twelve = Array(0..<12)
    let four = Array(0..<4)
    #expect(
      NumberOrder(places: twelve, contents: twelve.sorted { "\($0)" < "\($1)" }) == .lexicographic)
    #expect(NumberOrder(places: four, contents: [3, 2, 1, 0]) == .reversed)
    #expect(NumberOrder(places: four, contents: [1, 2, 3, 0]) == .rotated(by: 1))
    #expect(NumberOrder(places: four, contents: [3, 0, 1, 2]) == .rotated(by: -1))
    #expect(NumberOrder(places: four, contents: [0, 3, 2, 1]) == .exchanged(1, 3))
    #expect(NumberOrder(places: four, contents: [2, 2, 2, 2]) == .copies(of: 2))
    #expect(NumberOrder(places: four, contents: [1, 3, 0, 2]) == .permutation([1, 3, 0, 2]))
    #expect(
      NumberOrder(places: four, contents: [1, 3, 0, 2], arrival: [1, 3, 0, 2]) == .arrival)
    #expect(NumberOrder(places: [3, 4, 5], contents: [4, 5, 3]) == .rotated(by: 1))
  }

  @Test("No order is named where things are in place, or are others")
  func none() {
    #expect(NumberOrder(places: [0, 1], contents: [0, 1]) == nil)
    #expect(NumberOrder(places: [0, 1, 2], contents: [1, 2, 3]) == nil)
    #expect(NumberOrder(places: [0, 1, 2], contents: [0, 0, 2]) == nil)
    #expect(NumberOrder(places: [], contents: []) == nil)
  }
}

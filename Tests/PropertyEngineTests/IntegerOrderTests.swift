// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Testing

@testable import PropertyEngine

@Suite("Order of integers") struct IntegerOrderTests {
  @Test("Place and integer are inverse on small ranges, with every simplest value")
  func smallRanges() {
    for low in -6...2 {
      for high in low...(low + 9) {
        for towards in (low - 1)...(high + 1) {
          let constraint = Constraint.integer(low...high, towards: towards)
          let all = (0...UInt64(high - low)).compactMap { constraint.integer(atIndex: $0) }
          #expect(Set(all).count == high - low + 1)
          let places = all.map { constraint.index(ofInteger: $0) }
          #expect(places == Array(0...UInt64(high - low)))
          let simplest = min(max(towards, low), high)
          #expect(all.first == UInt64(bitPattern: Int64(simplest)))
          #expect(constraint.integer(atIndex: UInt64(high - low) + 1) == nil)
        }
      }
    }
  }

  @Test("The order zig-zags: 0, 1, -1, 2, -2, then what one side has left")
  func zigZag() {
    let constraint = Constraint.integer(-2...5)
    let order = (0...7).compactMap { constraint.integer(atIndex: $0) }
    let numbers = order.map { Int64(bitPattern: $0) }
    #expect(numbers == [0, 1, -1, 2, -2, 3, 4, 5])
  }

  @Test("Full 64-bit ranges do not overflow")
  func fullRanges() {
    let signed = Constraint.integer(Int.min...Int.max)
    let unsigned = Constraint.integer(UInt64.min...UInt64.max, towards: 1 << 63)
    for constraint in [signed, unsigned, .integer(Int.min...Int.max, towards: .min)] {
      for index in [0, 1, 2, 3, 1 << 32, UInt64.max - 1, UInt64.max] {
        let bits = constraint.integer(atIndex: index)
        let place = bits.map { constraint.index(ofInteger: $0) }
        #expect(place == index)
      }
    }
    #expect(signed.integer(atIndex: .max) == UInt64(bitPattern: .min))
  }
}

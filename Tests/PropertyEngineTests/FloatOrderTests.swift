// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Testing

@testable import PropertyEngine

@Suite("Order of floats") struct FloatOrderTests {
  @Test("Every 16-bit pattern survives encoding and decoding, and no two have one place")
  func roundTrip() {
    for format in [FloatFormat.float16, .bfloat16, .float8E5M2, .float8E4M3] {
      let count = Int(format.signBit) * 2
      var seen: Set<UInt128> = []
      var wrong: [Int] = []
      for bits in 0..<count {
        let order = format.order(of: UInt64(bits))
        if format.bits(atOrder: order) != UInt64(bits) { wrong.append(bits) }
        seen.insert(order)
      }
      #expect(wrong.isEmpty, "patterns \(wrong.prefix(5)) of \(format)")
      #expect(seen.count == count)
    }
  }

  @Test("Edges and random patterns of wide formats survive encoding and decoding")
  func wideRoundTrip() {
    var random = RandomStream(seed: 5)
    for format in [FloatFormat.float, .double] {
      let all = format.signBit | (format.signBit - 1)
      let edges = [0, 1, format.signBit, format.firstNonFinite, format.firstNonFinite + 1, all]
      let wrong = (edges + (0..<20_000).map { _ in random.next() & all }).filter {
        format.bits(atOrder: format.order(of: $0)) != $0
      }
      #expect(wrong.isEmpty, "patterns \(wrong.prefix(5))")
    }
  }

  @Test("Simple numbers come first")
  func simpleFirst() {
    let numbers: [Double] = [
      0, 1, 2, 3, 1e6, 1.5, 1.25, 1.75, 2.5, 0.5, 0.75, 0.25, .infinity, .nan, -0.0, -1, -1.5,
    ]
    let orders = numbers.map { FloatFormat.double.order(of: $0.bitPattern) }
    #expect(orders == orders.sorted())
  }

  @Test("The pattern of an integer is the hardware's")
  func integers() {
    let numbers: [UInt64] = [0, 1, 2, 3, 10, 1000, 1 << 24, (1 << 24) + 1, 1 << 53, (1 << 55) + 8]
    for number in numbers {
      #expect(FloatFormat.double.bits(integer: number) == Double(number).bitPattern)
      let exact = Float(exactly: number).map { UInt64($0.bitPattern) }
      #expect(FloatFormat.float.bits(integer: number) == exact)
    }
    #expect(FloatFormat.float16.bits(integer: 65_504) == 0x7BFF)
    #expect(FloatFormat.float16.bits(integer: 65_536) == nil)
  }

  @Test("The simplest float of a range is the one with the least place, for all small ranges")
  func simplestOfRange() {
    let format = FloatFormat.float8E5M2
    let finite = (0..<256).map { UInt64($0) }.filter(format.isFinite).sorted {
      format.ordinal($0) < format.ordinal($1)
    }
    let orders = finite.map { format.order(of: $0) }
    var wrong: [String] = []
    for low in finite.indices {
      var best = low
      for high in finite.indices[low...] {
        if orders[high] < orders[best] { best = high }
        let range = format.ordinal(finite[low])...format.ordinal(finite[high])
        if format.simplest(in: range) != finite[best] {
          wrong.append("\(finite[low])...\(finite[high])")
        }
      }
    }
    #expect(wrong.isEmpty, "\(wrong.count) ranges such as \(wrong.prefix(3))")
  }
}

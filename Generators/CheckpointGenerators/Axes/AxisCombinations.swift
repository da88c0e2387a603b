// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Numbers the values of all axes, and pairs and triples of values of different axes.
struct AxisCombinations: Sendable, Equatable {
  /// The number of axes.
  let axisCount: Int
  /// The number of values of all axes.
  let valueCount: Int
  /// The number of the first value of each axis.
  private let offsets: [Int]
  private let counts: [Int]

  /// Numbers the values of axes with so many values each.
  init(valueCounts: [Int]) {
    axisCount = valueCounts.count
    counts = valueCounts
    var offsets: [Int] = []
    var total = 0
    for count in valueCounts {
      offsets.append(total)
      total += count
    }
    self.offsets = offsets
    valueCount = total
  }

  /// The numbers of the values of a case, in the order of axes; values that no axis lists are left
  /// out.
  func numbers(_ values: [UInt8]) -> [Int] {
    zip(values, 0..<axisCount).compactMap { value, axis in
      Int(value) < counts[axis] ? offsets[axis] + Int(value) : nil
    }
  }

  /// The numbers of the values of an axis.
  func values(of axis: Int) -> Range<Int> { offsets[axis]..<offsets[axis] + counts[axis] }

  /// The place of a pair whose first value is of the earlier axis.
  func place(_ first: Int, _ second: Int) -> Int { first * valueCount + second }

  /// The place of a triple in the order of axes.
  func place(_ first: Int, _ second: Int, _ third: Int) -> Int {
    (first * valueCount + second) * valueCount + third
  }

  /// Hands over the places of all pairs and triples of the values of a case.
  func forEach(in values: [UInt8], pair: (Int) -> Void, triple: (Int) -> Void) {
    let numbers = numbers(values)
    for third in numbers.indices {
      for second in 0..<third {
        pair(place(numbers[second], numbers[third]))
        for first in 0..<second {
          triple(place(numbers[first], numbers[second], numbers[third]))
        }
      }
    }
  }
}

/// A set of small numbers, one bit each.
struct BitSet: Sendable, Equatable {
  private(set) var words: [UInt64]

  init(count: Int) {
    words = Array(repeating: 0, count: (count + 63) / 64)
  }

  /// The set with these bits, or nil if they are not those of so many numbers.
  init?(bytes: [UInt8], count: Int) {
    self.init(count: count)
    guard bytes.count == 8 * words.count else { return nil }
    for (place, byte) in bytes.enumerated() {
      words[place / 8] |= UInt64(byte) << UInt64(place % 8 * 8)
    }
  }

  /// The bits, the first number first.
  var bytes: [UInt8] {
    words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64($0 * 8)) } }
  }

  var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

  func contains(_ number: Int) -> Bool { words[number >> 6] >> UInt64(number & 63) & 1 == 1 }

  mutating func insert(_ number: Int) { words[number >> 6] |= 1 << UInt64(number & 63) }

  /// Inserts a number and says whether it was not there.
  mutating func insertNew(_ number: Int) -> Bool {
    let bit = UInt64(1) << UInt64(number & 63)
    defer { words[number >> 6] |= bit }
    return words[number >> 6] & bit == 0
  }

  mutating func formUnion(_ other: BitSet) {
    for index in words.indices { words[index] |= other.words[index] }
  }

  func intersectionCount(_ other: BitSet) -> Int {
    zip(words, other.words).reduce(0) { $0 + ($1.0 & $1.1).nonzeroBitCount }
  }
}

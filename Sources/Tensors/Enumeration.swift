// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Words and numbers in a row, as sentences have them.
package enum Enumeration {
  /// Such as `a, b and c`; of more than `most` the first ones and how many there are beside them.
  package static func words(_ words: [String], most: Int = .max, noun: String = "") -> String {
    let rest = words.count - most + 1
    let shown = rest > 1 ? words.prefix(most - 1) + ["\(rest) more\(noun)"] : words[...]
    guard let last = shown.last, shown.count > 1 else { return shown.first ?? "" }
    return shown.dropLast().joined(separator: ", ") + " and " + last
  }

  /// The ranges of numbers, such as `1-3` and `7`, ascending.
  package static func ranges(_ numbers: some Sequence<Int>) -> [String] {
    var ranges: [ClosedRange<Int>] = []
    for number in Set(numbers).sorted() {
      if let last = ranges.last, last.upperBound == number - 1 {
        ranges[ranges.count - 1] = last.lowerBound...number
      } else {
        ranges.append(number...number)
      }
    }
    return ranges.map {
      $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)"
    }
  }

  /// Numbers in ranges after their noun, such as `layer 3` and `layers 1-3 and 7`.
  package static func ranges(_ noun: String, _ numbers: some Sequence<Int>) -> String {
    let numbers = Set(numbers)
    let ranges = words(ranges(numbers), most: 6, noun: " ranges")
    return "\(noun)\(numbers.count == 1 ? "" : "s") \(ranges)"
  }
}

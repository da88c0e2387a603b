// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import ArgumentParser

/// A time such as `10m`, `90s`, `1h30m`, or a number of seconds.
struct TimeSpan: ExpressibleByArgument, Equatable {
  /// The longest time: a year.
  static let longest = 366 * 24 * 3600

  let seconds: Int

  init?(argument: String) {
    var total = 0
    var digits = ""
    var units = ["h": 3600, "m": 60, "s": 1]
    for character in argument {
      if character.isASCII, character.isNumber {
        digits.append(character)
        continue
      }
      guard let unit = units.removeValue(forKey: String(character)), let count = Int(digits),
        count <= Self.longest / unit
      else { return nil }
      // Units come from the largest to the smallest.
      units = units.filter { $0.value < unit }
      total += count * unit
      digits = ""
    }
    if !digits.isEmpty {
      guard argument.allSatisfy(\.isNumber), let count = Int(digits) else { return nil }
      total = count
    }
    guard (1...Self.longest).contains(total) else { return nil }
    seconds = total
  }
}

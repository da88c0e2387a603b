// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Sources by the numbers of a catalog's names.
///
/// A few stand in a dictionary, so that planning one tensor costs nothing that grows with the
/// catalog; more of them in an array as long as the catalog, which is quicker.
struct NumberedSources {
  /// The catalog has at most this many names for each source in an array.
  private static let namesPerSource = 64

  private let nameCount: Int
  private var few: [Int: Int] = [:]
  /// The source of each number, or -1 for none; empty while there are few.
  private var many: [Int] = []

  /// - Parameter expectedCount: How many there will be at least.
  init(nameCount: Int, expectedCount: Int) {
    self.nameCount = nameCount
    if isMany(expectedCount) { expand() }
  }

  subscript(number: Int) -> Int? {
    guard !many.isEmpty else { return few[number] }
    return many[number] < 0 ? nil : many[number]
  }

  /// Sets the source of a number and returns the one that it had.
  mutating func update(_ source: Int, forNumber number: Int) -> Int? {
    if many.isEmpty {
      let other = few.updateValue(source, forKey: number)
      if isMany(few.count) { expand() }
      return other
    }
    let other = many[number]
    many[number] = source
    return other < 0 ? nil : other
  }

  private func isMany(_ count: Int) -> Bool { count > nameCount / Self.namesPerSource }

  private mutating func expand() {
    many = Array(repeating: -1, count: nameCount)
    for (number, source) in few { many[number] = source }
    few = [:]
  }
}

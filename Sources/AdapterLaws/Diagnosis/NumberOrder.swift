// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// In what wrong order numbered things stand.
public enum NumberOrder: Sendable, Hashable {
  /// As if their numbers were texts: 10 before 2.
  case lexicographic
  /// In the order in which their keys arrived.
  case arrival
  /// From the last to the first.
  case reversed
  /// Each place holds the thing so many places further on, around the end.
  case rotated(by: Int)
  /// Two are in each other's place.
  case exchanged(Int, Int)
  /// Every place holds the same thing.
  case copies(of: Int)
  /// What each place holds.
  case permutation([Int])

  /// Names an order, or gives nil if things stand in their places or are not all the same ones.
  ///
  /// - Parameters:
  ///   - places: The numbers of the places, counting up by one.
  ///   - contents: The number of the thing in each place.
  ///   - arrival: The numbers in the order of arrival, if it is not the order of the numbers.
  init?(places: [Int], contents: [Int], arrival: [Int]? = nil) {
    guard places != contents, places.count == contents.count, let first = contents.first else {
      return nil
    }
    if contents.count > 1, contents.allSatisfy({ $0 == first }) {
      self = .copies(of: first)
      return
    }
    guard contents.sorted() == places else { return nil }
    let wrong = places.indices.filter { places[$0] != contents[$0] }
    if contents == arrival {
      self = .arrival
    } else if contents == places.sorted(by: { "\($0)" < "\($1)" }) {
      self = .lexicographic
    } else if places.count > 2, contents == places.reversed() {
      self = .reversed
    } else if wrong.count == 2 {
      self = .exchanged(places[wrong[0]], places[wrong[1]])
    } else if let shift = contents.firstIndex(of: places[0]).map({ places.count - $0 }),
      places.indices.allSatisfy({ contents[$0] == places[($0 + shift) % places.count] })
    {
      self = .rotated(by: 2 * shift > places.count ? shift - places.count : shift)
    } else {
      self = .permutation(contents)
    }
  }

  /// The order seen from the things instead of the places: where each went.
  static func inverse(places: [Int], contents: [Int]) -> [Int]? {
    guard contents.sorted() == places, let first = places.first else { return nil }
    var result = places
    for (place, content) in zip(places, contents) { result[content - first] = place }
    return result
  }
}

extension NumberOrder {
  /// What things numbered so are, such as `in lexicographic order (10 before 2)`.
  func phrase(_ thing: String, _ places: [Int]) -> String {
    switch self {
    case .lexicographic:
      let sorted = places.sorted { "\($0)" < "\($1)" }
      let pair = zip(sorted, places).first { $0 > $1 }
      return "in lexicographic order" + (pair.map { " (\($0) before \($1))" } ?? "")
    case .arrival: return "in the order in which their keys arrive"
    case .reversed: return "in reverse order"
    case .rotated(let by): return "rotated by \(by)"
    case .exchanged: return "exchanged"
    case .copies(let number): return "all copies of \(thing) \(number)"
    case .permutation: return "permuted"
    }
  }

  /// What stands where, for orders that a phrase does not tell in full.
  ///
  /// - Parameter isReading: Whether places are read as those of the things, not filled with them.
  func detail(_ thing: String, _ places: [Int], isReading: Bool) -> String? {
    switch self {
    case .rotated(let by):
      guard let first = places.first else { return nil }
      let there = first + (by + places.count) % places.count
      return "place \(first) \(isReading ? "is taken for" : "holds") \(thing) \(there)"
    case .exchanged(let one, let other): return "\(one) and \(other)"
    case .permutation(let contents):
      let shown = contents.prefix(12).map(String.init).joined(separator: ", ")
      return "places \(isReading ? "are taken for" : "hold") \(shown)"
        + (contents.count > 12 ? ", …" : "")
    case .lexicographic, .arrival, .reversed, .copies: return nil
    }
  }
}

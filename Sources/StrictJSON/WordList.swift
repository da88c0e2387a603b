// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Words of which a person names one, such as laws or layouts.
public struct WordList: Sendable {
  /// The words, in the order in which errors list them.
  public let words: [String]

  /// The most words that count as near to another.
  private static let mostNear = 3

  /// Creates a list.
  public init(_ words: [String]) {
    self.words = words
  }

  /// The word that a text means, nil if there is none: the text itself, or else the only word that is the same
  /// but for case and for which of space, `_`, `-` and `.` separates its parts.
  public func meaning(of text: String) -> String? {
    if words.contains(text) { return text }
    let plain = Self.plain(text)
    let alike = words.filter { Self.plain($0) == plain }
    return plain.isEmpty || alike.count != 1 ? nil : alike[0]
  }

  /// The words that a text may have been meant for, the nearest first: those of which it is a part, and those
  /// that are a typing error or two away.
  ///
  /// - Complexity: O(bytes of the text, and of the words times their lengths).
  public func near(_ text: String) -> [String] {
    let plain = Self.plain(text)
    guard plain.count > 1 else { return [] }
    let ranked = words.enumerated().compactMap { position, word -> (Int, Int, String)? in
      let other = Self.plain(word)
      let isPart = other.hasPrefix(plain) || other.split(separator: "-").contains(plain[...])
      if isPart { return (1, position, word) }
      // The text may be of any size: one of another length is another word.
      let most = max(1, plain.utf8.count / 4)
      guard abs(plain.utf8.count - other.utf8.count) <= most else { return nil }
      let distance = Self.distance(Array(plain.utf8), Array(other.utf8))
      return distance > most ? nil : (distance, position, word)
    }
    return ranked.sorted { ($0.0, $0.1) < ($1.0, $1.1) }.prefix(Self.mostNear).map(\.2)
  }

  /// What to answer to a text that means no word: the words near it, or else all.
  public func answer(to text: String) -> String {
    let near = near(text)
    return near.isEmpty
      ? "there are \(words.joined(separator: ", "))" : "did you mean \(Self.choice(near))?"
  }

  /// What an error says was expected where a text is: the words near it, or else all.
  public func expectation(for text: String) -> String {
    let near = near(text)
    if words.count == 1 { return "'\(words[0])'" }
    return near.isEmpty
      ? "one of \(words.joined(separator: ", "))"
      : "\(Self.choice(near)), the nearest of \(words.count)"
  }

  private static func choice(_ words: [String]) -> String {
    let quoted = words.map { "'\($0)'" }
    return (quoted.count > 1 ? quoted.dropLast().joined(separator: ", ") + " or " : "")
      + quoted[quoted.count - 1]
  }

  /// A text in lower case with `-` between its parts.
  private static func plain(_ text: String) -> String {
    text.lowercased().split { " _-.".contains($0) }.joined(separator: "-")
  }

  /// How many bytes are to be added, removed, changed or exchanged with the next to make one text of another.
  private static func distance(_ one: [UInt8], _ other: [UInt8]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...other.count)
    for i in one.indices {
      var row = [i + 1]
      for j in other.indices {
        var least = min(last[j + 1], row[j]) + 1
        least = min(least, last[j] + (one[i] == other[j] ? 0 : 1))
        if i > 0, j > 0, one[i] == other[j - 1], one[i - 1] == other[j] {
          least = min(least, beforeLast[j - 1] + 1)
        }
        row.append(least)
      }
      (beforeLast, last) = (last, row)
    }
    return last[other.count]
  }
}

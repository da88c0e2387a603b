// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Many names in a few lines, such as `a.{5-9}.b.{0-63}.{gate,up}.weight`.
public struct NameCensus: Sendable {
  /// Names that are the same but for their numbers, and for one part of their text at most.
  public struct Entry: Sendable, Hashable {
    /// All texts between each two dots, numbers as `*`.
    fileprivate var parts: [[String]]
    /// All numbers of each place with one, ascending: layers first, then experts.
    public fileprivate(set) var numbers: [[Int]]
    /// How many names there are.
    public fileprivate(set) var count: Int
  }

  /// The entries, in the order of their first names.
  public private(set) var entries: [Entry] = []

  /// Counts names.
  ///
  /// - Complexity: O(bytes), and O(entries) for each entry.
  public init(_ names: some Sequence<TensorName>) {
    var order: [Numbered: Int] = [:]
    var found: [(parts: [String], layer: Int?, experts: Set<[Int]>)] = []
    for name in names {
      let (parts, numbers) = Self.split(name)
      let key = Numbered(parts: parts, layer: numbers.first)
      let position = order[key] ?? found.count
      if position == found.count {
        order[key] = position
        found.append((parts, numbers.first, []))
      }
      found[position].experts.insert(Array(numbers.dropFirst()))
    }
    var positions: [Alike: Int] = [:]
    for (parts, layer, experts) in found {
      let rest = experts.sorted { $0.lexicographicallyPrecedes($1) }
      let key = Alike(parts: parts, rest: rest)
      if let position = positions[key] {
        entries[position].numbers[0].append(layer ?? 0)
        entries[position].count += rest.count
        continue
      }
      positions[key] = entries.count
      let others = (rest.first ?? []).indices.map { place in Set(rest.map { $0[place] }).sorted() }
      entries.append(
        Entry(
          parts: parts.map { [$0] }, numbers: (layer.map { [[$0]] } ?? []) + others,
          count: rest.count))
    }
    for position in entries.indices where !entries[position].numbers.isEmpty {
      entries[position].numbers[0].sort()
    }
    merge()
  }

  private struct Numbered: Hashable {
    let parts: [String]
    let layer: Int?
  }

  private struct Alike: Hashable {
    let parts: [String]
    let rest: [[Int]]
  }

  private static func split(_ name: TensorName) -> (parts: [String], numbers: [Int]) {
    var numbers: [Int] = []
    let parts = name.text.split(separator: ".", omittingEmptySubsequences: false).map {
      guard let number = Int($0), String(number) == $0, number >= 0 else { return String($0) }
      numbers.append(number)
      return "*"
    }
    return (parts, numbers)
  }

  /// Makes one entry of those that differ in one part.
  private mutating func merge() {
    var merged: [Entry] = []
    for entry in entries {
      let position = merged.firstIndex { $0.differingPart(from: entry) != nil }
      if let position, let part = merged[position].differingPart(from: entry) {
        merged[position].parts[part] += entry.parts[part]
        merged[position].count += entry.count
      } else {
        merged.append(entry)
      }
    }
    entries = merged
  }

  /// One line for each of the first entries, and one that counts the others.
  public func lines(atMost limit: Int = 6) -> [String] {
    let rest = entries.dropFirst(limit).reduce(0) { $0 + $1.count }
    return entries.prefix(limit).map(\.description) + (rest > 0 ? ["and \(rest) more"] : [])
  }

  /// Numbers as people write them, such as `0-3, 7`.
  public static func ranges(_ numbers: [Int]) -> String {
    let texts = Enumeration.ranges(numbers)
    return texts.prefix(8).joined(separator: ",") + (texts.count > 8 ? ",..." : "")
  }
}

extension NameCensus.Entry: CustomStringConvertible {
  /// The part in which another entry differs, if it differs in nothing else.
  fileprivate func differingPart(from other: Self) -> Int? {
    guard numbers == other.numbers, parts.count == other.parts.count else { return nil }
    let places = parts.indices.filter { parts[$0] != other.parts[$0] }
    return places.count == 1 && other.parts[places[0]].count == 1 ? places[0] : nil
  }

  /// The names in one line, with their number if there are several.
  public var description: String {
    var place = 0
    let texts = parts.map { texts in
      if texts == ["*"] {
        defer { place += 1 }
        let numbers = numbers[place]
        return numbers.count == 1 ? "\(numbers[0])" : "{\(NameCensus.ranges(numbers))}"
      }
      let shown = texts.prefix(6).joined(separator: ",") + (texts.count > 6 ? ",..." : "")
      return texts.count == 1 ? shown : "{\(shown)}"
    }
    return texts.joined(separator: ".") + (count > 1 ? " (\(count))" : "")
  }
}

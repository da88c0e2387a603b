// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// The text of a file in which every mutant can be switched on by its number.
struct MutantSchema {
  /// A part of the text that came from a site.
  struct Segment {
    /// The bytes of the text.
    let bytes: Range<Int>
    /// The mutants that can have made it wrong.
    let numbers: [Int]
    /// Whether it is a whole statement or declaration, most mutants of which are innocent.
    var isMark = false
  }

  /// The text.
  private(set) var text: [UInt8] = []
  /// Its parts, outer ones after those within.
  private(set) var segments: [Segment] = []
  private let file: MutatedFile
  private let sites: [MutationSite]
  private let first: Int
  private let dropped: Set<Int>
  private var next = 0

  /// Writes the text of a file whose mutants are numbered from a number on.
  init(_ file: MutatedFile, numberedFrom first: Int, without dropped: Set<Int>) {
    self.file = file
    self.first = first
    self.dropped = dropped
    sites = file.sites.sorted {
      ($0.bytes.lowerBound, -$0.bytes.count, $0.form.depth)
        < ($1.bytes.lowerBound, -$1.bytes.count, $1.form.depth)
    }
    append("import SourceMutants ")
    write(0..<file.source.count)
  }

  private mutating func append(_ string: String) { text += Array(string.utf8) }

  /// Writes a part of the file with the sites in it.
  private mutating func write(_ bytes: Range<Int>) {
    var position = bytes.lowerBound
    while next < sites.count, sites[next].isInside(bytes) {
      let site = sites[next]
      next += 1
      text += file.source[position..<site.bytes.lowerBound]
      write(site)
      position = site.bytes.upperBound
    }
    text += file.source[position..<bytes.upperBound]
  }

  private mutating func write(_ site: MutationSite) {
    let start = text.count
    let firstSegment = segments.count
    let changes = site.changes.map { (number: first + $0.mutant, text: $0.text) }
      .filter { !dropped.contains($0.number) }
    switch site.form {
    case _ where changes.isEmpty: write(site.bytes)
    case .mark: break
    case .condition:
      for change in changes {
        append(", ")
        write("!mutated(\(change.number))", of: change.number)
      }
    case .expression:
      append("(")
      for change in changes {
        append("mutated(\(change.number)) ? ")
        write("(" + change.text + ")", of: change.number)
        append(" : ")
      }
      write(site.bytes)
      append(")")
    case .statement:
      for change in changes where !change.text.isEmpty {
        append("if mutated(\(change.number)) { ")
        write(change.text, of: change.number)
        append(" } else ")
      }
      let removal = changes.first { $0.text.isEmpty }
      append(removal.map { "if !mutated(\($0.number)) { " } ?? "{ ")
      write(site.bytes)
      append(" }")
    }
    let inner = site.form == .mark ? Set(segments[firstSegment...].flatMap(\.numbers)).sorted() : []
    segments.append(
      Segment(
        bytes: start..<text.count, numbers: inner + changes.map(\.number),
        isMark: site.form == .mark))
  }

  private mutating func write(_ change: String, of number: Int) {
    let start = text.count
    append(change)
    segments.append(
      Segment(bytes: start..<text.count, numbers: [number]))
  }

  /// The mutants to give up because the compiler refuses the text at a byte.
  func culprits(at byte: Int, isTooComplex: Bool) -> [Int] {
    let around = segments.filter { $0.bytes.contains(byte) && !$0.numbers.isEmpty }
      .sorted { $0.bytes.count < $1.bytes.count }
    if isTooComplex, let whole = around.first(where: { $0.numbers.count > 1 }) {
      return everySecond(whole.numbers)
    }
    guard let place = around.first else { return [] }
    guard place.isMark else { return place.numbers }
    // What is not initialized or not returned in the end is most often what is left out.
    let removals = place.numbers.filter { file.mutants[$0 - first].operation == .removal }
    return removals.isEmpty ? everySecond(place.numbers) : removals
  }

  /// Half of what makes a text wrong or too long is often enough, and the next round takes more.
  private func everySecond(_ numbers: [Int]) -> [Int] {
    numbers.enumerated().filter { $0.offset.isMultiple(of: 2) }.map(\.element)
  }
}

extension MutationSite {
  /// Whether it lies in a part of the file.
  fileprivate func isInside(_ part: Range<Int>) -> Bool {
    if bytes.isEmpty {
      // Conditions added after a list belong to no expression of the list.
      return part.lowerBound < bytes.lowerBound && bytes.lowerBound < part.upperBound
    }
    return part.lowerBound <= bytes.lowerBound && bytes.upperBound <= part.upperBound
  }
}

extension MutationSite.Form {
  /// What encloses the others where they concern the same bytes.
  fileprivate var depth: Int {
    switch self {
    case .mark: 0
    case .statement: 1
    case .expression: 2
    case .condition: 3
    }
  }
}

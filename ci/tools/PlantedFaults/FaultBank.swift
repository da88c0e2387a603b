// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Layouts

/// The planted faults of the reference family: the reference adapter with one mistake each.
public enum FaultBank {
  /// The faults of a bank that have a place in a layout, in its words, and the others.
  public struct Selection: Sendable {
    /// The layout.
    public let layout: Layout
    /// The faults that have a place in it.
    public let faults: [PlantedFault]
    /// The others, and why they have none.
    public let absent: [(fault: PlantedFault, reason: String)]

    /// Chooses from some faults.
    public init(_ faults: [PlantedFault], in layout: Layout) {
      self.layout = layout
      let worded = faults.map { $0.worded(for: layout) }
      self.faults = worded.filter { $0.absence(in: layout) == nil }
      absent = worded.compactMap { fault in
        fault.absence(in: layout).map { (fault, $0) }
      }
    }
  }

  /// All of them, in the order of reports.
  public static let all: [PlantedFault] =
    names + numbers + unusualCounts + mtp + transposes + halves + types + values + scales + ranks
    + exclusion + streaming + order + state + validation + lora + equivalents

  /// The faults whose ids match any of some globs, in which `*` stands for any text and `?` for any
  /// character.
  public static func named(_ globs: [String], of faults: [PlantedFault] = all) -> [PlantedFault] {
    globs.isEmpty
      ? faults : faults.filter { fault in globs.contains { Glob($0).matches(fault.id) } }
  }
}

/// A pattern of names.
private struct Glob {
  private let pattern: [Character]

  init(_ text: String) {
    pattern = Array(text)
  }

  func matches(_ text: String) -> Bool {
    let text = Array(text)
    // How far the pattern goes with each beginning of the text that it matches.
    var reached = [true] + Array(repeating: false, count: text.count)
    for part in pattern {
      if part == "*" {
        for place in 0..<text.count where reached[place] { reached[place + 1] = true }
      } else {
        for place in text.indices.reversed() {
          reached[place + 1] = reached[place] && (part == "?" || part == text[place])
        }
        reached[0] = false
      }
    }
    return reached[text.count]
  }
}

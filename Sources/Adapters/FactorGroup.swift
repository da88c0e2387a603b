// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// Low-rank factors of a group's parts: matrices `[rows, columns]` on disk, one for each expert and part,
/// stacked natively as `[experts, columns, rows of all parts]`.
///
/// The A factors of a group's parts are one native tensor, which each part repeats on disk.
struct FactorGroup: Sendable {
  struct Part: Sendable {
    /// The position of the part's weight in the layout.
    let rule: Int
    /// The rows on disk, or nil for the rank.
    let rows: Int?
  }

  /// The position among the layout's entries of factors.
  let lora: Int
  let isA: Bool
  /// The native name, relative to the layer.
  let native: String
  /// The columns on disk, or nil for the rank.
  let columns: Int?
  /// The parts in their order along the last native axis.
  let parts: [Part]
  /// The rules whose tensors on disk repeat the first part's.
  let repeated: [Int]

  /// The rules in the order in which upstream writes their factors.
  var rules: [Int] { parts.map(\.rule) + repeated }

  /// The axis of a matrix on disk along which the rank runs.
  var rankAxis: Int { isA ? 0 : 1 }

  /// The suffix on disk in place of `weight`.
  var suffix: String { isA ? "lora_A.weight" : "lora_B.weight" }

  /// The extents of one part on disk, `[rows, columns]`, for a rank.
  func extents(of part: Part, rank: Int) -> [Int] { [part.rows ?? rank, columns ?? rank] }

  /// The features of a factor that all experts share in one file, or nil where they overflow.
  var features: Int? { columns ?? parts.compactMap(\.rows).reduce(0, +) }

  /// The factors of all groups that have any: A, then B of each.
  static func all(_ layout: Layout, _ values: LayoutValues) -> [FactorGroup] {
    layout.lora.indices.flatMap { lora -> [FactorGroup] in
      let group = layout.groups[layout.lora[lora].group]
      let parts = group.parts.filter { layout.tensors[$0].isPresent(values) }
      let extents = parts.compactMap { layout.tensors[$0].extents(values) }
      guard let columns = extents.first?.last, extents.allSatisfy({ $0.count == 2 }) else {
        return []
      }
      let native = group.module + layout.lora[lora].native
      return [
        FactorGroup(
          lora: lora, isA: true, native: "\(native)_A", columns: columns,
          parts: [Part(rule: parts[0], rows: nil)], repeated: Array(parts.dropFirst())),
        FactorGroup(
          lora: lora, isA: false, native: "\(native)_B", columns: nil,
          parts: zip(parts, extents).map { Part(rule: $0, rows: $1[0]) }, repeated: []),
      ]
    }
  }
}

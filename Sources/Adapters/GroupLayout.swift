// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// The places of all parts in a grouped tensor of some experts, the same in every layer.
struct GroupLayout: Sendable {
  /// The regions between which one part of one expert moves.
  struct Part: Sendable {
    /// The whole part, as `[1, rows, columns]`.
    let onDisk: Region
    /// Its place in `[experts, columns, rows of all parts]`.
    let inGroup: Region
  }

  /// The shape of the grouped tensor, `[experts, columns, rows of all parts]`.
  let shape: Shape
  /// The parts of one expert one behind the other in the order of the rule.
  private let parts: [Part]
  private let partCount: Int

  /// Lays out a group.
  ///
  /// - Throws: `TensorError.invalidShape` if the shape overflows, as a LoRA rank can make it.
  init(
    _ group: ExpertGroup, in config: ModelConfig, experts: Int, rank: Int
  ) throws(TensorError) {
    let columns = group.columns.extent(in: config) ?? rank
    let rows = group.parts.map { $0.rows.extent(in: config) ?? rank }
    let shape = try Shape([experts, columns, rows.reduce(0, +)])
    // Regions share all arrays but the position in the group, which none of them has in common.
    let origin = [0, 0, 0]
    let onDisk = rows.map {
      Region(view: [1, $0, columns], lower: origin, extents: [1, $0, columns])
    }
    let extents = rows.map { [1, columns, $0] }
    var parts: [Part] = []
    parts.reserveCapacity(experts * rows.count)
    for slot in 0..<experts {
      var start = 0
      for part in rows.indices {
        parts.append(
          Part(
            onDisk: onDisk[part],
            inGroup: Region(
              view: shape.extents, lower: [slot, 0, start], extents: extents[part])))
        start += rows[part]
      }
    }
    self.shape = shape
    self.parts = parts
    partCount = rows.count
  }

  /// One part of the expert at a position in the grouped tensor.
  func part(_ part: Int, slot: Int) -> Part { parts[slot * partCount + part] }

  /// The axes of a group's matrices exchange their places.
  static let transposed = [0, 2, 1]
}

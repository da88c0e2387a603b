// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// The layout of a sparse layer, each rule read in both directions.
///
/// Source: the rename and split tables of nemo-automodel 0.7.0, `models/hy_mt2` and `moe`.
enum HyLayout {
  /// Keys that change their name and nothing else.
  static let renames = [
    Rename(hf: "mlp.expert_bias", native: "mlp.gate.e_score_correction_bias", matches: .whole),
    Rename(hf: "mlp.router.gate.weight", native: "mlp.gate.weight", matches: .whole),
    Rename(hf: "mlp.shared_mlp.", native: "mlp.shared_experts.", matches: .start),
  ]

  /// Expert tensors that are stacked into one grouped tensor.
  static let groups: [ExpertGroup] = [
    ExpertGroup(
      native: "gate_and_up_projs", suffix: "weight", columns: .hidden,
      parts: [.init(.gate, rows: .intermediate), .init(.up, rows: .intermediate)]),
    ExpertGroup(
      native: "down_projs", suffix: "weight", columns: .intermediate,
      parts: [.init(.down, rows: .hidden)]),
    // Gate and up projections share one A factor in native form.
    ExpertGroup(
      native: "lora_gate_and_up_A", suffix: "lora_A.weight", columns: .hidden,
      parts: [.init(.gate, rows: .rank)], repeated: .up),
    ExpertGroup(
      native: "lora_gate_and_up_B", suffix: "lora_B.weight", columns: .rank,
      parts: [.init(.gate, rows: .intermediate), .init(.up, rows: .intermediate)]),
    ExpertGroup(
      native: "lora_down_A", suffix: "lora_A.weight", columns: .intermediate,
      parts: [.init(.down, rows: .rank)]),
    ExpertGroup(
      native: "lora_down_B", suffix: "lora_B.weight", columns: .rank,
      parts: [.init(.down, rows: .hidden)]),
  ]
}

extension HyLayout {
  /// Native tensors of which neither is of use without the other.
  static let pairs = [
    ("gate_and_up_projs", "down_projs"), ("lora_gate_and_up_A", "lora_gate_and_up_B"),
    ("lora_down_A", "lora_down_B"),
  ]

  /// The other tensor of a pair.
  static func partner(of native: String) -> String? {
    for (one, other) in pairs {
      if native == one { return other }
      if native == other { return one }
    }
    return nil
  }
}

/// Two names of one tensor, after `layers.{L}.`.
struct Rename: Sendable {
  enum Match: Sendable { case whole, start }

  let hf: String
  let native: String
  let matches: Match

  /// The other side's name, or nil if the rule does not concern this one.
  func apply(to rest: Substring, _ direction: ConversionPlan.Direction) -> String? {
    let (from, to) = direction == .fromHF ? (hf, native) : (native, hf)
    switch matches {
    case .whole: return rest.utf8.elementsEqual(from.utf8) ? to : nil
    case .start:
      return rest.utf8.starts(with: from.utf8) ? to + rest.droppingBytes(from.utf8.count) : nil
    }
  }
}

/// A projection of an expert.
enum Projection: String, Sendable, CaseIterable {
  case gate = "gate_proj"
  case up = "up_proj"
  case down = "down_proj"
}

/// An axis of an expert tensor by what it counts.
enum ExpertAxis: Sendable {
  case hidden
  case intermediate
  /// The inner dimension of the two factors of a LoRA.
  case rank

  /// The extent that a config gives, or nil for a LoRA rank, which only tensors tell.
  func extent(in config: ModelConfig) -> Int? {
    switch self {
    case .hidden: config.hiddenSize
    case .intermediate: config.moeIntermediateSize
    case .rank: nil
    }
  }
}

/// Per-expert matrices `[rows, columns]` on disk, stacked natively as `[experts, columns, rows]`
/// with the rows of several parts one behind the other.
struct ExpertGroup: Sendable {
  struct Part: Sendable {
    let projection: Projection
    let rows: ExpertAxis

    init(_ projection: Projection, rows: ExpertAxis) {
      self.projection = projection
      self.rows = rows
    }
  }

  /// The last component of the native name.
  let native: String
  /// What stands behind the projection in the names on disk.
  let suffix: String
  /// The axis along the columns of every part on disk.
  let columns: ExpertAxis
  /// The parts in their order along the last native axis.
  let parts: [Part]
  /// A projection whose tensor on disk repeats the first part's.
  let repeated: Projection?

  init(
    native: String, suffix: String, columns: ExpertAxis, parts: [Part], repeated: Projection? = nil
  ) {
    self.native = native
    self.suffix = suffix
    self.columns = columns
    self.parts = parts
    self.repeated = repeated
  }

  var isLoRA: Bool { native.hasPrefix("lora_") }

  /// The axis of a matrix on disk along which the rank of a LoRA runs.
  var rankAxis: Int { columns == .rank ? 1 : 0 }

  /// The same group without gate projections.
  var nonGated: ExpertGroup {
    guard parts[0].projection == .gate else { return self }
    return ExpertGroup(
      native: native, suffix: suffix, columns: columns,
      parts: [Part(.up, rows: parts[0].rows)])
  }

  /// The projections on disk in the order in which upstream writes them.
  var projections: [Projection] {
    parts.map(\.projection) + (repeated.map { [$0] } ?? [])
  }
}

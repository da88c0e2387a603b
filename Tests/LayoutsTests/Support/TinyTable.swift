// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Layouts
import StrictJSON

/// A small table that tests change.
enum TinyTable {
  static let text = """
    models: [tiny]
    sizes: {H: hidden_size, I: inner_size, E: num_experts, S: {field: shared, least: 0, default: 1}}
    flags: {extra_bias: false}
    layers: {count: num_hidden_layers, sparse: {from: dense_layers}, mtp: {count: mtp_layers, on load: keep}}
    prefix: [model., ""]
    tensors:
      model.embed.weight: {shape: [H], role: embedding}
      model.layers.{L}:
        norm.weight: {shape: [H], role: norm}
        dense:
          mlp: {role: dense, "{gate,up}.weight": [I, H], bias: {shape: [I], if: extra_bias}}
        sparse:
          mlp.router.weight: {shape: [E, H], role: router, automodel: mlp.choice.weight}
          mlp.shared: {role: shared expert, if: S > 0, weight: [S * I, H]}
          mlp.experts.{e}:
            gate.weight: {shape: [I, H], part: gate, automodel: "mlp.experts.fused[e, h, i]"}
            up.weight: {shape: [I, H], part: up, automodel: "mlp.experts.fused[e, h, I + i]"}
            down.weight: {shape: [H, I], part: down, automodel: "mlp.experts.down[e, i, h]"}
        mtp: {extra.weight: {shape: [H], role: prediction}}
      head.weight: {shape: [H], role: head}
    """

  /// The table with texts replaced by others.
  static func text(replacing changes: [(String, String)]) throws -> String {
    var result = text
    for (old, new) in changes {
      guard let range = result.range(of: old) else { throw Missing(text: old) }
      result.replaceSubrange(range, with: new)
    }
    return result
  }

  static func layout(_ changes: (String, String)...) throws -> Layout {
    try Layout(text: text(replacing: changes), name: "tiny")
  }

  /// A text that the table does not have.
  struct Missing: Error {
    let text: String
  }
}

extension Layout {
  /// The rule of a name on disk.
  func rule(_ name: String) -> TensorRule? {
    tensors.first { $0.name.start == name || "\($0.name.start){e}\($0.name.end ?? "")" == name }
  }
}

/// Files of the repository.
enum Repository {
  static let path = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static func text(_ name: String) throws -> String {
    try String(contentsOf: path.appending(path: name), encoding: .utf8)
  }

  static func json(_ name: String) throws -> JSONValue {
    try JSONValue(parsing: Array(text(name).utf8))
  }
}

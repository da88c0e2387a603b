// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors
import Testing

/// The same letter composed and decomposed: equal strings of different bytes.
private let composed = "model.\u{e9}.weight"
private let decomposed = "model.e\u{301}.weight"

@Suite("Tensor names")
struct TensorNameTests {
  @Test("Names that look equal but differ in bytes are different names")
  func normalForms() {
    #expect(composed == decomposed, "Swift compares strings by canonical equivalence")
    #expect(TensorName(composed) != TensorName(decomposed))
    #expect(Set([TensorName(composed), TensorName(decomposed)]).count == 2)
    #expect(TensorName(composed) > TensorName(decomposed))
    #expect(TensorName(composed).text.utf8.elementsEqual(composed.utf8))
  }

  @Test("Names sort by their UTF-8 bytes")
  func order() {
    let sorted: [TensorName] = [
      "", "a", "a\u{0}", "a.10", "a.2", "aa", "b", "\u{ff5e}", "\u{1f600}",
    ]
    for seed in 0..<20 {
      var random = Random(seed: UInt64(seed))
      #expect(sorted.shuffled(using: &random).sorted() == sorted)
    }
    #expect(TensorName("a") < "b" && !(TensorName("b") < "a") && !(TensorName("a") < "a"))
  }

  @Test("Equal names hash equally, also those made differently")
  func hashing() {
    let parts = TensorName(["model", "layers", "0"].joined(separator: "."))
    let literal: TensorName = "model.layers.0"
    #expect(parts == literal)
    #expect(parts.hashValue == literal.hashValue)
    #expect(literal.description == "model.layers.0")
  }

  @Test("A part is found where its bytes stand, whatever the characters around it")
  func contains() {
    let name: TensorName = "model.layers.10.mlp.caf\u{e9}"
    for part in ["", "model", "layers.10.", "\u{e9}", "model.layers.10.mlp.caf\u{e9}"] {
      #expect(name.contains(part), "\(part)")
    }
    for part in ["Model", "layers.1.", "e\u{301}", "model.layers.10.mlp.caf\u{e9}.", "mlp.x"] {
      #expect(!name.contains(part), "\(part)")
    }
    let empty: TensorName = ""
    #expect(empty.contains("") && !empty.contains("a"))
  }
}

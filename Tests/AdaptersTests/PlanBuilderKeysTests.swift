// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors
import Testing

@Suite("Refusals of indices and prefixes say what is wrong with them")
struct PlanBuilderKeysTests {
  @Test("What a key should have been, and what it is")
  func wording() throws {
    let config = try TestCheckpoint.config()
    let valid = try TestCheckpoint.stateDict(config)
    let wording: [(String, expected: String, found: String)] = [
      ("layers.01.mlp.experts.0", "a layer number without leading zeros", "'01'"),
      ("layers.1.mlp.experts.00", "an expert number without leading zeros", "'00'"),
      (
        "layers.99999999999999999999.mlp.experts.0", "a layer number below 2^63",
        "'99999999999999999999'"
      ),
      (
        "layers.1.mlp.experts.99999999999999999999", "an expert number below 2^63",
        "'99999999999999999999'"
      ),
      (
        "layers.+1.mlp.experts.0", "a key starting with 'model.layers.' and a number",
        "no number there"
      ),
      (
        "stages.1.mlp.experts.0", "a key starting with 'model.layers.' and a number",
        "another start; state the prefix if all keys have it"
      ),
    ]
    for (key, expected, found) in wording {
      let name = TensorName("model.\(key).up_proj.weight")
      let error = #expect(throws: AdapterError.self) {
        try StateDictAdapter(config: config).fromHF(valid.adding(name, [5, 4]))
      }
      let finding = error?.problems.first { $0.subject == name }
      #expect(finding?.expected == expected)
      #expect(finding?.found == found)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Layouts
import StrictJSON
import Tensors
import Testing

@Suite("hymt2 names")
struct NamesCommandTests {
  private static let config = "\(Hymt2.tree)/Generators/configs/hy-mt2-30b-a3b.json"

  @Test("Names that fit take one line and exit status 0")
  func fits() throws {
    let scratch = try Scratch()
    let path = try published(scratch) { $0 }
    let outcome = try Hymt2.run("names", path, "--config", Self.config)
    outcome.expectSuccess()
    #expect(outcome.output == "✔ 18,673 names are those of layout hy_v3 and the config\n")
    let json = try Hymt2.run("names", path, "--config", Self.config, "--json").json()
    #expect(json["ok"] == true && json["names"] == 18_673 && json["causes"] == [])
  }

  @Test(
    "Another known layout that fits is named, also where the config has NaN in a field nobody reads"
  )
  func otherLayout() throws {
    let scratch = try Scratch()
    let text = try Data(
      contentsOf: URL(filePath: "\(Hymt2.tree)/Generators/configs/qwen3-30b-a3b.json"))
    var json = try #require(try JSONValue(parsing: Array(text)).objectValue)
    json["num_local_experts"] = json["num_experts"]
    let config = JSONValue.object(json).text(.python)
    try scratch.write(
      Array(("{\"rms_norm_eps_max\": NaN," + config.dropFirst()).utf8), to: "config.json")
    json["model_type"] = "minimax_m2"
    let other = try ModelConfig(json: .object(json), layout: Layout.known("minimax_m2"))
    let path = try published(scratch, other) { $0 }
    let outcome = try Hymt2.run("names", path, "--config", scratch["config.json"])
    #expect(outcome.status == 1, "\(outcome.errors)")
    #expect(
      outcome.outputLines.first == "✘ another known layout fits: minimax_m2", "\(outcome.output)")
  }

  @Test("Names that do not fit: the cause first, then keys, then a census, and exit status 1")
  func grouped() throws {
    let scratch = try Scratch()
    let path = try published(scratch) { name in
      guard let range = name.firstRange(of: "experts.") else { return name }
      let part = name.hasSuffix("down_proj.weight") ? "down_proj" : "gate_up_proj"
      return String(name[..<range.upperBound]) + part
    }
    let outcome = try Hymt2.run("names", path, "--config", Self.config)
    #expect(outcome.status == 1)
    #expect(
      outcome.output == """
        ✘ experts are grouped on disk ('mlp.experts.down_proj'), and layout hy_v3 expects one \
        tensor per expert

          18,048 missing
            model.layers.1.mlp.experts.0.gate_proj.weight
            model.layers.1.mlp.experts.0.up_proj.weight
            model.layers.1.mlp.experts.0.down_proj.weight

          94 surplus
            model.layers.1.mlp.experts.down_proj
            model.layers.1.mlp.experts.gate_up_proj
            model.layers.10.mlp.experts.down_proj

          each of         expected  missing  surplus
          layers 1-47          397      384        2
          all else     as expected

        """)
    let json = try Hymt2.run("names", path, "--config", Self.config, "--json").json()
    #expect(json["ok"] == false)
    #expect(json["causes"]?.arrayValue?.compactMap { $0["code"]?.stringValue } == ["grouped"])
    #expect(json["missing"]?.arrayValue?.count == 18_048)
  }

  @Test("A file that is no index, or no config, is named")
  func unreadable() throws {
    let scratch = try Scratch()
    try scratch.write(Array("{}".utf8), to: "index.json")
    try Hymt2.run("names", scratch["index.json"], "--config", Self.config)
      .expectFailure(naming: "index.json", "metadata")
    try Hymt2.run("names", Self.config, "--config", scratch["index.json"])
      .expectFailure(naming: "index.json", "model_type")
  }

  /// Writes the index of the published model, its names changed.
  private func published(
    _ scratch: Scratch, _ config: ModelConfig? = nil, _ change: (String) -> String
  ) throws -> String {
    let text = try Data(contentsOf: URL(filePath: Self.config))
    let config = try config ?? ModelConfig(json: JSONValue(parsing: Array(text)))
    var names: [String] = []
    var seen: Set<String> = []
    for tensor in try config.listing() {
      let name = change(tensor.info.name.text)
      if seen.insert(name).inserted { names.append(name) }
    }
    let map = JSONObject(names.map { ($0, .string("model-00001-of-00001.safetensors")) })
    let json: JSONValue = [
      "metadata": ["total_size": 60_129_463_808], "weight_map": .object(map),
    ]
    try scratch.write(json.bytes(.python), to: "index.json")
    return scratch["index.json"]
  }
}

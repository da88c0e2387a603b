// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import StrictJSON
import Testing

@Suite("hymt2 layouts, and --layout")
struct LayoutsCommandTests {
  static func config(_ name: String) -> String { "\(Hymt2.tree)/Generators/configs/\(name).json" }

  @Test("One line for each layout, with its models, adapter, operations and configs")
  func list() throws {
    let outcome = try Hymt2.run("layouts", in: Hymt2.tree)
    outcome.expectSuccess()
    let lines = outcome.outputLines
    #expect(lines.count == Layout.knownNames.count)
    let step = try #require(lines.first { $0.hasPrefix("step3p5 ") })
    for text in [
      "step3p5.state_dict_adapter.Step3p5StateDictAdapter", "grouped on disk", "transposed",
      "halves",
      "MTP kept", "step-3.5-flash.json",
    ] { #expect(step.contains(text), "\(text)") }
    #expect(!step.contains("grouped over experts"))
    let json = try Hymt2.run("layouts", "--json", in: Hymt2.tree).json()
    #expect(json["schemaVersion"] == 1)
    let layouts = try #require(json["layouts"]?.arrayValue)
    #expect(layouts.compactMap { $0["name"]?.stringValue } == Layout.knownNames)
    #expect(layouts[0]["natives"] == ["automodel", "transformers"])
    #expect(layouts[0]["configs"] == ["hy-mt2-30b-a3b.json", "hy3.json"])
    let moved = layouts.filter { $0["operations"]?.arrayValue?.contains("moved last") == true }
    #expect(
      moved.compactMap { $0["name"]?.stringValue } == [
        "minimax_m2", "gpt_oss", "kimi_vl", "minimax_m3_vl", "step3p7", "ernie4_5_moe",
        "nemotron_v3", "kimi_k25_vl",
      ])
  }

  @Test("show prints the table, and with a config every tensor and the totals")
  func show() throws {
    let table = try Hymt2.run("layouts", "show", "qwen3_moe")
    table.expectSuccess()
    #expect(table.output == (try Layout.named("qwen3_moe").text))
    let model = try Hymt2.run(
      "layouts", "show", "step3p5", "--config", Self.config("step-3.5-flash"))
    model.expectSuccess()
    #expect(model.output.contains("  804 tensors, 199,384,301,376 parameters\n"))
    #expect(
      model.output.contains(
        "model.layers.3.moe.up_proj.weight                      BF16 [288, 1280, 4096] -> "
          + "model.layers.3.moe.experts.gate_and_up_projs[e, h, 1280 + i]\n"))
    let json = try Hymt2.run(
      "layouts", "show", "hy_v3", "--native", "transformers", "--config", Self.config("hy3"),
      "--json"
    ).json()
    #expect(json["native"] == "transformers")
    #expect(json["parameters"] == 298_786_155_776)
    let tensors = try #require(json["tensorList"]?.arrayValue)
    #expect(tensors.count == 47_138)
    let up = try #require(
      tensors.first { $0["name"]?.stringValue?.hasSuffix("experts.2.up_proj.weight") == true })
    #expect(up["native"]?.stringValue?.hasSuffix("mlp.experts.gate_up_proj") == true)
    #expect(up["place"] == "[2, 1536 + i, h]")
  }

  @Test(
    "audit: status 0 of what is sound, 1 with findings of what is not, 2 of what cannot be read")
  func audit() throws {
    try Hymt2.run("layouts", "audit", "hy_v3", "gpt_oss").expectSuccess()
    let scratch = try Scratch()
    let sound = try Layout.named("qwen3_moe").text
    try scratch.write(Array(sound.replacing("I + i", with: "i").utf8), to: "wrong.yaml")
    let wrong = try Hymt2.run("layouts", "audit", scratch["wrong.yaml"])
    #expect(wrong.status == 1)
    #expect(wrong.output.contains("1 finding, by "))
    #expect(
      wrong.output.contains("  injective: layout wrong, line 28: tensors.model.layers.{L}.sparse."))
    let json = try Hymt2.run("layouts", "audit", scratch["wrong.yaml"], "--json").json()
    #expect(json["schemaVersion"] == 1)
    #expect(json["ok"] == false)
    let finding = try #require(json["tables"]?.arrayValue?.first?["findings"]?.arrayValue?.first)
    #expect(finding["demand"] == "injective")
    #expect(finding["line"] == 28)
    #expect(
      finding["expected"] == "a place in 'mlp.experts.gate_and_up_projs' for each element alone")
    try scratch.write(Array(sound.replacing("[E, H]", with: "[E, Y]").utf8), to: "unreadable.yaml")
    try Hymt2.run("layouts", "audit", scratch["unreadable.yaml"]).expectFailure(
      naming: "unreadable.yaml", "line 25", "mlp.gate.weight.shape.1", "found 'Y' in 'Y'")
    try Hymt2.run("layouts", "audit", scratch["nothing.yaml"]).expectFailure(naming: "nothing.yaml")
  }

  @Test("An unknown layout or native form is wrong usage, and the known ones are named")
  func unknown() throws {
    for arguments in [
      ["layouts", "show", "qwen4"], ["layouts", "audit", "qwen4"], ["check", "--layout", "qwen4"],
      ["prove", "--config", Self.config("hy3"), "--layout", "qwen4"],
      ["fuzz", "--config", Self.config("hy3"), "--layout", "qwen4"],
      ["bench", "--layout", "qwen4"],
      ["golden", "verify", "--layout", "qwen4"], ["replay", "c1:x", "--layout", "qwen4"],
    ] {
      let outcome = try Hymt2.start(arguments).wait()
      #expect(outcome.status == 64, "\(arguments)")
      #expect(
        outcome.errors.contains(
          "there is no layout 'qwen4', and the name of a file with a table ends in .yaml; "
            + "there are hy_v3, hy_mt2, qwen3_moe"))
    }
    let native = try Hymt2.run("check", "--layout", "hy_v3", "--native", "torchtitan")
    #expect(native.status == 64)
    #expect(
      native.errors.contains("no native form 'torchtitan'; there are automodel, transformers"))
  }

  @Test(
    "prove chooses the layout by model_type; --layout and --native override, a file may be given")
  func prove() throws {
    let qwen = try Hymt2.run("prove", "--config", Self.config("qwen3-vl-30b-a3b"), "--json").json()
    #expect(qwen["ok"] == true)
    #expect(qwen["layout"] == "qwen3_vl_moe")
    #expect(qwen["parameters"] == 30_532_122_624)
    let scratch = try Scratch()
    try scratch.write(Synthetic.config(), to: "config.json")
    let other = try Hymt2.run(
      "prove", "--config", scratch["config.json"], "--native", "transformers", "--json")
    #expect(try other.json()["native"] == "transformers")
    #expect(try other.json()["layout"] == "hy_v3")
    #expect(try other.json()["ok"] == true)
    try scratch.write(Array(Layout.named("hy_v3").text.utf8), to: "own.yaml")
    let own = try Hymt2.run(
      "prove", "--config", scratch["config.json"], "--layout", scratch["own.yaml"], "--json")
    #expect(try own.json()["layout"] == "own")
    #expect(try own.json()["ok"] == true)
    try Hymt2.run("prove", "--config", scratch["config.json"], "--layout", "gpt_oss").expectFailure(
      naming: "config field 'model_type'", "'gpt_oss'")
  }

  @Test("A layout keeps its prediction layers, and has its prefixes only")
  func options() throws {
    try Hymt2.run(
      "verify", "--synthetic", "--config", Self.config("glm-4.5-air"), "--mtp", "drop"
    ).expectFailure(naming: "--mtp drop", "glm4_moe")
    try Hymt2.run(
      "prove", "--config", Self.config("glm-4.5-air"), "--prefix", "language_model."
    ).expectFailure(naming: "--prefix", "glm4_moe", "'model.', ''")
  }
}

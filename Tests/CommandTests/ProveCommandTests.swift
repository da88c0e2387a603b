// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import StrictJSON
import Testing

@Suite("hymt2 prove")
struct ProveCommandTests {
  static func config(_ name: String) -> String { "\(Hymt2.tree)/Generators/configs/\(name).json" }

  /// The output without the time, which alone differs from run to run.
  static func timeless(_ text: String) -> String {
    text.replacing(/in [0-9]+\.[0-9]{2} s\n/, with: "in TIME\n")
  }

  // README's test runs the proof of Hy3 as text.
  @Test("Hy3 is proven, with the published counts, in JSON")
  func hy3() throws {
    let outcome = try Hymt2.run("prove", "--config", Self.config("hy3"), "--json")
    outcome.expectSuccess()
    let json = try outcome.json()
    #expect(json["schemaVersion"] == 1)
    #expect(json["command"] == "prove")
    #expect(json["ok"] == true)
    #expect(json["tensors"] == 47_138)
    #expect(json["parameters"] == 298_786_155_776)
    #expect(json["movedElements"] == 298_786_155_776)
    #expect(json["elements"] == ["BF16": 298_786_140_416, "F32": 15_360])
    #expect(json["bytes"] == 597_572_342_272)
    #expect(json["faults"] == [])
    #expect(json["ranks"] == 0)
    let laws = try #require(json["laws"]?.arrayValue)
    #expect(laws.map { $0["holds"] } == [true, true, true, true])
  }

  @Test("Hy-MT2-30B-A3B is proven, with the published counts, in text")
  func hyMT2() throws {
    let outcome = try Hymt2.run("prove", "--config", Self.config("hy-mt2-30b-a3b"))
    outcome.expectSuccess()
    #expect(
      Self.timeless(outcome.output) == """
        48 layers (1 dense), 0 MTP layers, 128 experts of 2048 x 768
          18,673 tensors, 30,064,725,888 parameters
          30,064,719,872 BF16 + 6,016 F32 elements
          60,129,463,808 bytes
        ✔ every move stays inside its tensors
        ✔ every element is written once and read once
        ✔ every element is where the layout's index formula puts it
        ✔ converting back restores every element
        proven: 30,064,725,888 elements in 37,346 moves, in TIME

        """)
  }

  @Test("Output is the same in each run, apart from the time in text")
  func repeatability() throws {
    let scratch = try Scratch()
    try scratch.write(Synthetic.config(mtp: 1), to: "config.json")
    let arguments = ["prove", "--config", scratch["config.json"], "--ep-size", "3"]
    let text = Self.timeless(try Hymt2.start(arguments).wait().output)
    #expect(text.hasSuffix(", in TIME\n"))
    let json = try Hymt2.start(arguments + ["--json"]).wait().output
    for _ in 0..<5 {
      #expect(Self.timeless(try Hymt2.start(arguments).wait().output) == text)
      #expect(try Hymt2.start(arguments + ["--json"]).wait().output == json)
    }
  }

  @Test("Ranks of an expert-parallel group are proven, also more of them than experts")
  func expertParallelism() throws {
    let scratch = try Scratch()
    try scratch.write(Synthetic.config(experts: 5), to: "config.json")
    for size in [1, 3, 5, 7] {
      let arguments = ["prove", "--config", scratch["config.json"], "--ep-size", "\(size)"]
      let text = try Hymt2.start(arguments).wait()
      text.expectSuccess()
      #expect(
        text.outputLines.contains("✔ the same holds for each of \(size) expert-parallel ranks"))
      let json = try Hymt2.start(arguments + ["--json"]).wait().json()
      #expect(json["ranks"] == JSONValue(size))
      #expect(json["ok"] == true)
    }
  }

  @Test("Options of the adapter change the plan")
  func options() throws {
    let scratch = try Scratch()
    try scratch.write(Synthetic.config(experts: 5), to: "config.json")
    let config = scratch["config.json"]
    let gated = try Hymt2.run("prove", "--config", config, "--json").json()
    let plain = try Hymt2.run("prove", "--config", config, "--activation", "relu2", "--json").json()
    #expect(plain["ok"] == true)
    let count = try #require(gated["tensors"]?.integerValue)
    #expect(plain["tensors"] == JSONValue(count - 5))
    for prefix in ["none", "language_model.", "model.language_model."] {
      let same = try Hymt2.run("prove", "--config", config, "--prefix", prefix, "--json").json()
      #expect(same["tensors"] == gated["tensors"])
      #expect(same["ok"] == true)
    }
  }

  @Test("Configs that cannot be used are exit status 2 with file and field")
  func faults() throws {
    let scratch = try Scratch()
    func prove(_ name: String, _ options: String...) throws -> Outcome {
      try Hymt2.start(["prove", "--config", scratch[name]] + options).wait()
    }
    try prove("none.json").expectFailure(naming: scratch["none.json"], "No such file")
    try prove("none.json", "--json").expectFailure(naming: scratch["none.json"])
    try prove(".").expectFailure(naming: scratch["."], "not a regular file")
    try scratch.write(
      Array("{\n  \"model_type\": \"hy_v3\"\n  \"x\": 1}".utf8), to: "malformed.json")
    try prove("malformed.json").expectFailure(naming: scratch["malformed.json"], "line 3")
    try scratch.write([], to: "empty.json")
    try prove("empty.json").expectFailure(naming: scratch["empty.json"], "line 1")
    for (field, old, new) in [
      ("model_type", "hy_v3", "llama"), ("num_experts", "_experts\": 5", "_experts\": 0"),
      ("hidden_size", "hidden_size\": 8", "hidden_size\": \"8\""),
      ("num_hidden_layers", "layers\": 2", "layers\": 9223372036854775807"),
      ("dtype", "bfloat16", "int7"),
    ] {
      try scratch.write(Synthetic.config(), to: "config.json")
      try scratch.replace(old, by: new, in: "config.json")
      try prove("config.json").expectFailure(naming: scratch["config.json"], "'\(field)'")
      try prove("config.json", "--json").expectFailure(naming: "'\(field)'")
    }
    try scratch.write(Synthetic.config(), to: "config.json")
    try prove("config.json", "--dtype", "I8").expectFailure(
      naming: "model.layers.1.mlp.experts.0.gate_proj.weight", "I8")
  }
}

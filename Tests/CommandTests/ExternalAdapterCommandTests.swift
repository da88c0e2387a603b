// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
import Layouts
import StrictJSON
import Testing

@Suite("Commands with --adapter")
struct ExternalAdapterCommandTests {
  @Test("check checks all laws on an adapter in another process, and says which one it was")
  func check() throws {
    let scratch = try Scratch()
    let outcome = try Hymt2.run(
      "check", "--adapter", ScriptedAdapter.command(), "--examples", "12", "--quiet",
      in: scratch.path)
    outcome.expectSuccess()
    #expect(
      outcome.output.contains(" not applicable, on 12 checkpoints, seed 0 (adapter: scripted 1.2"))
  }

  @Test("check goes on after a crash, and shows how to see it again; replay does, too")
  func crash() throws {
    let scratch = try Scratch()
    let adapter = ScriptedAdapter.command("exit@always")
    let outcome = try Hymt2.run(
      "check", "--adapter", adapter, "--examples", "3", "--law", "keys", "--keep-going",
      "--json", in: scratch.path)
    #expect(outcome.status == 1)
    let document = try outcome.json()
    #expect(document["examples"]?["judged"] == 3)
    let failure = try #require(document["failures"]?.arrayValue?.first)
    #expect(failure["kind"] == "crashed")
    #expect(failure["summary"]?.stringValue?.contains("exited with status 3") == true)
    #expect(try scratch.names(in: ".hymt2/incidents").contains("crashed-from_hf.frame"))
    let token = try #require(failure["token"]?.stringValue)
    let replay = try Hymt2.run("replay", token, "--adapter", adapter, "--json", in: scratch.path)
    #expect(replay.status == 1)
    #expect(replay.output.contains("exited with status 3"))
  }

  @Test("golden verify compares another process's results with upstream's")
  func golden() throws {
    let scratch = try Scratch()
    let arguments = [
      "golden", "verify", "--set", "\(Hymt2.tree)/Golden", "--filter", "experts-1",
    ]
    let right = try Hymt2.start(
      arguments + ["--adapter", ScriptedAdapter.command()], in: scratch.path
    ).wait()
    right.expectSuccess()
    let wrong = try Hymt2.start(
      arguments + ["--adapter", ScriptedAdapter.command("refuse@always")], in: scratch.path
    ).wait()
    #expect(wrong.status == 1)
    #expect(
      wrong.output.contains(
        """
        ✘ 27 of 27 valid cases failed, for 1 cause
          load, save, stream: refused: RuntimeError: Expert weights missing: layer 1
            in 27 cases: deepseek-v3-experts-1, deepseek-v3-experts-11, deepseek-v32-experts-1, \
        deepseek-v32-experts-11, experts-1 and 22 more

        """), "\(wrong.output)")
    let one = try Hymt2.start(
      arguments + [
        "--adapter", ScriptedAdapter.command("refuse@always"), "--limit", "1", "--json",
      ], in: scratch.path
    ).wait()
    #expect(try one.json()["valid"] == 1)
    #expect(try one.json()["faults"]?.arrayValue?.count == 3)
    #expect(try one.json()["causes"]?.arrayValue?.count == 1)
  }

  @Test("The layout that an adapter names in hello is checked where no other is chosen")
  func layout() throws {
    let scratch = try Scratch()
    let arguments = ["--json", "--adapter", ScriptedAdapter.command("other-layout@hello")]
    let check = ["check", "--quiet", "--examples", "3", "--law", "round-trip"] + arguments
    let named = try Hymt2.start(check, in: scratch.path).wait()
    named.expectSuccess()
    #expect(try named.json()["layout"] == "qwen3_moe")
    let chosen = try Hymt2.start(check + ["--layout", "hy_v3"], in: scratch.path).wait()
    #expect(try chosen.json()["layout"] == "hy_v3")
    let unknown = ["check", "--adapter", ScriptedAdapter.command("unknown-layout@hello")]
    try Hymt2.start(unknown, in: scratch.path).wait()
      .expectFailure(naming: "'qwen3_mo'", "'qwen3_moe'")
    // What an adapter says opens no file.
    try scratch.write(Array(Layout.usual.text.utf8), to: "own.yaml")
    let file = ["check", "--adapter", ScriptedAdapter.command("file-layout@hello")]
    try Hymt2.start(file, in: scratch.path).wait().expectFailure(naming: "'./own.yaml'")
    let golden = [
      "golden", "verify", "--set", "\(Hymt2.tree)/Golden", "--filter", "activation-relu2",
    ]
    try Hymt2.start(golden + arguments, in: scratch.path).wait()
      .expectFailure(naming: "of layout qwen3_moe")
  }

  @Test("golden verify leaves out what the adapter does not support, and says so")
  func goldenSupport() throws {
    let scratch = try Scratch()
    let arguments = [
      "golden", "verify", "--set", "\(Hymt2.tree)/Golden", "--json",
      "--adapter", ScriptedAdapter.command("supports@hello"),
    ]
    let outcome = try Hymt2.start(arguments + ["--filter", "re"], in: scratch.path).wait()
    outcome.expectSuccess()
    let leftOut = try #require(try outcome.json()["leftOut"]?.arrayValue)
    #expect(leftOut.first?["case"] == "activation-relu2")
    #expect(leftOut.first?["axis"] == "activation")
    #expect(leftOut.allSatisfy { $0["axis"] == "activation" || $0["axis"] == "LoRA" })
    try Hymt2.start(arguments + ["--filter", "activation-geglu"], in: scratch.path).wait()
      .expectFailure(naming: "scripted supports none of the 1 cases chosen")
  }

  @Test("golden verify fails for no case that a known divergence has, and says which vanished")
  func goldenKnown() throws {
    let scratch = try Scratch()
    let known: JSONValue = [
      "schemaVersion": 1, "adapter": "scripted", "version": "1.2", "layouts": ["hy_mt2"],
      "entries": [
        [
          "id": "always-refuses", "title": "t", "summary": "s", "decision": "d",
          "violations": [["law": "keys", "kind": "*", "place": "*"]], "goldens": ["experts-1"],
          "diagnosis": [],
          "case": "c1:hy_mt2",
        ]
      ],
    ]
    try scratch.write(known.bytes(.python), to: "known.json")
    func verify(_ server: String) throws -> Outcome {
      try Hymt2.start(
        [
          "golden", "verify", "--set", "\(Hymt2.tree)/Golden", "--filter", "experts-1",
          "--layout", "hy_mt2", "--known", "known.json", "--adapter", server,
        ], in: scratch.path
      ).wait()
    }
    let refusing = try verify(ScriptedAdapter.command("refuse@always"))
    #expect(refusing.status == 1)
    #expect(refusing.output.contains("known, and no failure\n  always-refuses: experts-1\n"))
    #expect(!refusing.output.contains("  experts-1: "))
    let right = try verify(ScriptedAdapter.command())
    right.expectSuccess()
    #expect(right.output.contains("no longer seen: always-refuses in experts-1\n"))
  }

  @Test("verify has every layer of a folder converted, and names the layer that is refused")
  func verify() throws {
    let scratch = try Scratch()
    let tiny = try scratch.tiny()
    let right = try Hymt2.run(
      "verify", tiny, "--adapter", ScriptedAdapter.command(), in: scratch.path)
    right.expectSuccess()
    #expect(
      right.output.contains(
        """
        ✔ scripted 1.2 loads 4 parts (each layer, and what is outside of layers) bit for bit
        ✔ scripted 1.2 saves 4 parts (each layer, and what is outside of layers) bit for bit

        """))
    let wrong = try Hymt2.run(
      "verify", tiny, "--adapter", ScriptedAdapter.command("refuse@3"), "--json", in: scratch.path)
    #expect(wrong.status == 1)
    let adapter = try #require(try wrong.json()["adapter"])
    #expect(adapter["name"] == "scripted" && adapter["parts"] == 4)
    let disagreements = try #require(adapter["disagreements"]?.arrayValue)
    let found = try #require(disagreements.first)
    #expect(
      disagreements.count == 1 && found["part"] == "layer 0" && found["step"] == "when loading")
    #expect(found["lines"] == ["refused: RuntimeError: Expert weights missing: layer 1"])
  }

  @Test("An adapter that does not start is exit status 2, with what it said")
  func noStart() throws {
    let scratch = try Scratch()
    for command in [["check"], ["verify", "--synthetic", "--config", "config.json"]] {
      try scratch.write(Synthetic.config(), to: "config.json")
      let arguments = command + ["--adapter", "echo no module named adapter >&2; exit 7"]
      let outcome = try Hymt2.start(arguments, in: scratch.path).wait()
      outcome.expectFailure(naming: "no module named adapter", "status 7")
    }
  }
}

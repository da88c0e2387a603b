// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import Testing

@testable import Campaigns

@Suite("The screen of a failure")
struct FailureScreenTests {
  /// A failure with all there can be.
  static func failure() throws -> Failure {
    let run = CheckRun(
      ReferenceAdapter(), laws: [TestLaws.few, TestLaws.flat],
      arguments: ["--config", "my config.json"])
    var failure = try #require(
      try run.run(RunSettings(examples: 200)).failures.first { $0.law.name == "few-experts" })
    failure.diagnosis = ["The third expert is one too many."]
    failure.mismatch = [
      "model.layers.0.mlp.experts.2.up_proj.weight [1, 1] BF16", "  aligned   line",
    ]
    failure.heatMap = HeatMapFigure(text: ["·█", "█·"], svg: "<svg></svg>")
    failure.discovery = .init(number: 17)
    failure.shrinking = .init(simplifications: 1, executions: 1234, stoppedEarly: true)
    return failure
  }

  static func text(_ failure: Failure) -> String {
    FailureScreen(failure: failure).lines.map { line in
      (line.verdict.map { $0 ? "✔ " : "✘ " } ?? "") + line.text
    }.joined(separator: "\n")
  }

  @Test("It says what is wrong, shows the checkpoint and how to replay it")
  func text() throws {
    let failure = try Self.failure()
    let token = try #require(failure.token)
    let config = [
      #"config.json: {"architectures":["HYV3ForCausalLM"], "attention_bias":false, "dtype":"bfloat16","#,
      #""expert_hidden_dim":1, "first_k_dense_replace":0, "head_dim":1, "hidden_act":"silu","#,
      #""hidden_size":1, "intermediate_size":1, "mlp_bias":false, "model_type":"hy_v3","#,
      #""moe_intermediate_size":1, "moe_router_enable_expert_bias":true, "num_attention_heads":1,"#,
      #""num_experts":3, "num_hidden_layers":1, "num_key_value_heads":1, "num_nextn_predict_layers":0,"#,
      #""num_shared_experts":0, "qk_norm":true, "tie_word_embeddings":false, "vocab_size":1}"#,
    ]
    let checkpoint = wrapped(failure.checkpoint, width: 96)
    let expected = """
      ✘ few-experts: experts < 3 && "few" is <b>'enough'</b>
        The third expert is one too many.

      the smallest checkpoint that shows it (found in example 17, shrunk 1 time in 1,234 attempts, until a
      limit was reached)
      \((checkpoint + config).map { "    \($0)" }.joined(separator: "\n"))

      where it differs
          model.layers.0.mlp.experts.2.up_proj.weight [1, 1] BF16
            aligned   line
          ·█
          █·

      no other law is broken on it
      why it must hold: this is a test

      token   \(token)
      replay  hymt2 replay \(token) --config 'my config.json'
      """
    let found = Self.text(failure)
    #expect(found == expected, "\(found)")
  }

  @Test("However much there is to say, it has at most 40 lines of 100 columns")
  func size() throws {
    var failure = try Self.failure()
    let long = String(repeating: "many words ", count: 300) + String(repeating: "x", count: 5000)
    failure.law.statement = long
    failure.law.reason = long
    failure.diagnosis = Array(repeating: long, count: 5)
    failure.mismatch = Array(repeating: long, count: 30)
    failure.brokenLaws = (0..<30).map {
      .init(law: "law-with-a-long-name-\($0)", kind: "", place: "", summary: long)
    }
    failure.flakiness = long
    let lines = FailureScreen(failure: failure).lines
    #expect(lines.count <= 40)
    for line in lines {
      #expect(line.text.count + (line.verdict == nil ? 0 : 2) <= 100, "\(line.text)")
    }
    #expect(lines.contains { $0.text.contains("with --json") })
    #expect(lines.contains { $0.text.contains(failure.token ?? "none") })
  }

  @Test("A wrong exchange is diagnosed and shown where it differs")
  func realFault() throws {
    let failure = try TestReports.swapped()
    let text = Self.text(failure)
    #expect(text.contains("gate"))
    #expect(text.contains("up_proj"))
    #expect(failure.spec?.config.expertCount == 1)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count <= 40)
  }
}

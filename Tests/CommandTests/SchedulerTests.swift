// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import StrictJSON
import Testing

@Suite("Commands under schedulers and in GitHub Actions")
struct SchedulerTests {
  private static let config =
    "\(Hymt2.tree)/Tests/SafetensorsTests/Fixtures/tiny-hyv3/config.json"

  private func fuzz(_ environment: [String: String], _ options: String...) throws -> Outcome {
    let arguments = [
      "fuzz", "--config", Self.config, "--examples", "10", "--law", "keys", "--json",
    ]
    return try Hymt2.start(arguments + options, environment: environment).wait()
  }

  @Test(
    "A campaign takes its shard from a Slurm array, a Kubernetes job, a matrix, or GNU parallel",
    arguments: [
      [
        "SLURM_ARRAY_TASK_ID": "6", "SLURM_ARRAY_TASK_MIN": "4", "SLURM_ARRAY_TASK_MAX": "8",
        "SLURM_ARRAY_TASK_STEP": "2", "SLURM_ARRAY_TASK_COUNT": "3",
      ],
      ["JOB_COMPLETION_INDEX": "1", "HYMT2_SHARD_COUNT": "3"],
      ["HYMT2_SHARD_INDEX": "1", "HYMT2_SHARD_COUNT": "3"],
      ["PARALLEL_SEQ": "2", "HYMT2_SHARD_COUNT": "3"],
      ["HYMT2_SHARD": "2/3"],
    ])
  func shards(_ environment: [String: String]) throws {
    let outcome = try fuzz(environment)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let report = try outcome.json()
    #expect(report["shards"]?.arrayValue == ["2/3"])
    // Cases 1, 4 and 7 of 0 to 9.
    #expect(report["cases"]?["judged"] == 3)
    #expect(outcome.errors.contains("shard 2/3, as "))
  }

  @Test("What the environment says wrong is an error; --shard counts before it")
  func malformed() throws {
    let environment = ["JOB_COMPLETION_INDEX": "3", "HYMT2_SHARD_COUNT": "3"]
    try fuzz(environment).expectFailure(
      naming: "JOB_COMPLETION_INDEX: expected a number from 0 to 2", "found 3")
    let outcome = try fuzz(environment, "--shard", "1/2")
    #expect(try outcome.json()["shards"]?.arrayValue == ["1/2"])
  }

  @Test("In GitHub Actions errors are annotated and each step adds to its summary")
  func gitHub() throws {
    let scratch = try Scratch()
    let environment = ["GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": "\(scratch.path)/summary"]
    let arguments = [
      "--examples", "3", "--law", "keys", "--json", "--quiet", "--adapter",
      ScriptedAdapter.command("exit@always"),
    ]
    let check = try Hymt2.start(
      ["check"] + arguments, in: scratch.path, environment: environment
    ).wait()
    #expect(check.status == 1)
    #expect(try check.json()["command"] == "check")
    #expect(check.errors.hasPrefix("::error title=keys%3A "), "\(check.errors)")
    let fuzz = try Hymt2.start(
      ["fuzz", "--config", Self.config] + arguments, in: scratch.path, environment: environment
    ).wait()
    #expect(fuzz.status == 1)
    #expect(try fuzz.json()["command"] == "fuzz")
    #expect(fuzz.errors.contains("::error file=\(Self.config),title=keys%3A "), "\(fuzz.errors)")
    let summary = String(decoding: try scratch.bytes("summary"), as: UTF8.self)
    #expect(summary.hasPrefix("## ✘ hymt2 check: 1 law is broken\n"))
    #expect(summary.contains("\n## ✘ hymt2 fuzz: "))
  }

  @Test("Elsewhere nothing is annotated, and a summary that cannot be written is a warning")
  func notGitHub() throws {
    let scratch = try Scratch()
    let summary = "\(scratch.path)/none/summary"
    let arguments = ["check", "--examples", "3", "--law", "keys"]
    let elsewhere = try Hymt2.start(
      arguments + ["--quiet"], environment: ["GITHUB_STEP_SUMMARY": summary]
    ).wait()
    elsewhere.expectSuccess()
    let unwritable = try Hymt2.start(
      arguments, environment: ["GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": summary]
    ).wait()
    #expect(unwritable.status == 0)
    #expect(unwritable.errors.contains("warning: cannot write the step's summary to '\(summary)'"))
  }
}

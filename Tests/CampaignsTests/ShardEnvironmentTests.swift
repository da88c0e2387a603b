// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Testing

@testable import Campaigns

@Suite("Shards from the environment")
struct ShardEnvironmentTests {
  private func finding(_ variables: [String: String]) throws -> ShardEnvironment.DetectedShard? {
    try ShardEnvironment { variables[$0] }.finding()
  }

  private func text(_ variables: [String: String]) throws -> String? {
    try finding(variables).map { "\($0.shard) of \($0.variable)" }
  }

  private func error(_ variables: [String: String]) -> ShardEnvironmentError? {
    #expect(throws: ShardEnvironmentError.self) { try finding(variables) }
  }

  /// What Slurm 22.05 sets in a task.
  private func slurm(
    _ task: Int, _ first: Int, _ last: Int, step: Int = 1, count: Int
  ) -> [String: String] {
    [
      "SLURM_ARRAY_JOB_ID": "17", "SLURM_ARRAY_TASK_ID": "\(task)",
      "SLURM_ARRAY_TASK_MIN": "\(first)", "SLURM_ARRAY_TASK_MAX": "\(last)",
      "SLURM_ARRAY_TASK_STEP": "\(step)", "SLURM_ARRAY_TASK_COUNT": "\(count)",
    ]
  }

  @Test("Without any of the variables, or with empty ones, there is no shard")
  func none() throws {
    #expect(try finding([:]) == nil)
    #expect(try finding(["HYMT2_SHARD": "", "JOB_COMPLETION_INDEX": ""]) == nil)
    #expect(try finding(["SLURM_JOB_ID": "17", "SLURM_ARRAY_JOB_ID": "17"]) == nil)
  }

  @Test("HYMT2_SHARD is I/N and counts alone, whatever schedulers say")
  func whole() throws {
    #expect(try finding(["HYMT2_SHARD": "3/8"])?.shard == Shard(index: 2, count: 8))
    let crowded = slurm(1, 0, 3, count: 4).merging(
      ["HYMT2_SHARD": "8/8", "HYMT2_SHARD_COUNT": "5", "JOB_COMPLETION_INDEX": "x"]
    ) { $1 }
    #expect(try text(crowded) == "8/8 of HYMT2_SHARD")
    for text in ["0/8", "9/8", "3", "3/", "/8", "3/8/1", "-1/8", "+3/8", " 3/8", "3/8\n", "a/b"] {
      #expect(
        error(["HYMT2_SHARD": text])?.description
          == "environment variable HYMT2_SHARD: expected a shard such as 3/8, found \(text)")
    }
  }

  @Test("A GitHub matrix gives index and count; they count before schedulers")
  func gitHub() throws {
    let matrix = ["HYMT2_SHARD_INDEX": "0", "HYMT2_SHARD_COUNT": "4"]
    #expect(try text(matrix) == "1/4 of HYMT2_SHARD_INDEX")
    #expect(
      try text(matrix.merging(slurm(2, 0, 7, count: 8)) { $1 }) == "1/4 of HYMT2_SHARD_INDEX")
    #expect(try finding(matrix.merging(["HYMT2_SHARD_INDEX": "3"]) { $1 })?.shard.index == 3)
  }

  @Test("The tasks of a Slurm array of any range are its shards in their order")
  func slurmRanges() throws {
    for task in 0..<4 {
      #expect(try text(slurm(task, 0, 3, count: 4)) == "\(task + 1)/4 of SLURM_ARRAY_TASK_ID")
      let odd = slurm(2 + 3 * task, 2, 12, step: 3, count: 4)
      #expect(try finding(odd)?.shard == Shard(index: task, count: 4))
    }
    #expect(try finding(slurm(5, 5, 5, count: 1))?.shard == .whole)
    // Some versions leave the step out.
    var plain = slurm(1, 1, 3, count: 3)
    plain["SLURM_ARRAY_TASK_STEP"] = nil
    #expect(try finding(plain)?.shard == Shard(index: 0, count: 3))
  }

  @Test("A Slurm array that is a list, or variables that do not fit, are errors that name one")
  func slurmFaults() {
    let list = error(slurm(7, 1, 7, count: 3))?.description ?? ""
    #expect(list.contains("SLURM_ARRAY_TASK_COUNT: expected 7"), "\(list)")
    #expect(list.hasSuffix("must be a range, found 3"), "\(list)")
    let between = error(slurm(3, 2, 12, step: 2, count: 6))?.description ?? ""
    #expect(between.contains("SLURM_ARRAY_TASK_ID: expected a task from 2 to 12"), "\(between)")
    for name in ["SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_MAX", "SLURM_ARRAY_TASK_COUNT"] {
      for value in [nil, "x", "-1", "99999999999999999999"] {
        var variables = slurm(1, 0, 3, count: 4)
        variables[name] = value
        let message = error(variables)?.description ?? ""
        #expect(message.contains("variable \(name): expected"), "\(message)")
      }
    }
  }

  @Test("The index of a Kubernetes job counts from 0 and needs HYMT2_SHARD_COUNT")
  func kubernetes() throws {
    let pod = ["JOB_COMPLETION_INDEX": "0", "HYMT2_SHARD_COUNT": "3"]
    #expect(try text(pod) == "1/3 of JOB_COMPLETION_INDEX")
    #expect(
      error(["JOB_COMPLETION_INDEX": "2"])?.description.hasPrefix(
        "environment variable JOB_COMPLETION_INDEX is 2, but HYMT2_SHARD_COUNT does not say of how "
          + "many; ") == true)
    let beyond = error(["JOB_COMPLETION_INDEX": "3", "HYMT2_SHARD_COUNT": "3"])?.description
    #expect(
      beyond == "environment variable JOB_COMPLETION_INDEX: expected a number from 0 to 2, since "
        + "HYMT2_SHARD_COUNT is 3, found 3")
  }

  @Test("The number of a job of GNU parallel counts from 1, and only with HYMT2_SHARD_COUNT")
  func parallel() throws {
    #expect(try finding(["PARALLEL_SEQ": "3"]) == nil)
    #expect(
      try text(["PARALLEL_SEQ": "3", "HYMT2_SHARD_COUNT": "3"]) == "3/3 of PARALLEL_SEQ")
    for number in ["0", "4"] {
      let message = error(["PARALLEL_SEQ": number, "HYMT2_SHARD_COUNT": "3"])?.description ?? ""
      #expect(message.contains("PARALLEL_SEQ: expected a number from 1 to"), "\(message)")
    }
  }

  @Test("Schedulers that say different things are an error that names both; equal ones are none")
  func contradictions() throws {
    let both = ["HYMT2_SHARD_COUNT": "4", "JOB_COMPLETION_INDEX": "1", "PARALLEL_SEQ": "2"]
    #expect(try finding(both)?.shard == Shard(index: 1, count: 4))
    let different = both.merging(["PARALLEL_SEQ": "3"]) { $1 }
    #expect(
      error(different)?.description
        == "environment variable JOB_COMPLETION_INDEX makes this shard 2/4, PARALLEL_SEQ makes it "
        + "3/4; give --shard I/N or set HYMT2_SHARD=I/N")
    let count = slurm(1, 0, 7, count: 8).merging(["HYMT2_SHARD_COUNT": "4"]) { $1 }
    #expect(
      error(count)?.description
        == "environment variable HYMT2_SHARD_COUNT is 4, but SLURM_ARRAY_TASK_ID makes this shard "
        + "2/8; give --shard I/N or set HYMT2_SHARD=I/N")
  }

  @Test("A count without an index, and a count that is none, are errors")
  func counts() {
    #expect(
      error(["HYMT2_SHARD_COUNT": "8"])?.description
        == "environment variable HYMT2_SHARD_COUNT is 8, but nothing says which of them this is; "
        + "set HYMT2_SHARD_INDEX to a number from 0 to 7, or give --shard I/N or set "
        + "HYMT2_SHARD=I/N")
    #expect(
      error(["HYMT2_SHARD_INDEX": "1"])?.description.hasPrefix(
        "environment variable HYMT2_SHARD_INDEX is 1, but HYMT2_SHARD_COUNT does not say") == true)
    for count in ["0", "-8", "eight", "8 ", "1000000001", "٨"] {
      let message = error(["HYMT2_SHARD_INDEX": "0", "HYMT2_SHARD_COUNT": count])?.description
      #expect(
        message
          == "environment variable HYMT2_SHARD_COUNT: expected a number from 1 to 1000000000, "
          + "found \(count)")
    }
  }

  @Test("Each case belongs to the shard of exactly one process")
  func partition() throws {
    let shards = try (0..<5).map { index in
      try #require(
        try finding(["JOB_COMPLETION_INDEX": "\(index)", "HYMT2_SHARD_COUNT": "5"])?.shard)
    }
    for number in 0..<100 { #expect(shards.count { $0.owns(number) } == 1, "case \(number)") }
  }
}

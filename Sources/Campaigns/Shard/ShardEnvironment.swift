// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Which shard of a campaign a process is, as the environment of a scheduler says.
///
/// `HYMT2_SHARD` counts alone. Without it, `HYMT2_SHARD_INDEX` and `HYMT2_SHARD_COUNT` do; without an
/// index, Slurm's array task, the index of a Kubernetes job and the job number of GNU parallel do,
/// the latter two with `HYMT2_SHARD_COUNT`.
public struct ShardEnvironment {
  /// What a scheduler says, and which variable says it.
  public struct Finding: Sendable, Equatable {
    /// The shard.
    public let shard: Shard
    /// The variable that has its number.
    public let variable: String
  }

  static let whole = "HYMT2_SHARD"
  static let index = "HYMT2_SHARD_INDEX"
  static let count = "HYMT2_SHARD_COUNT"
  static let kubernetes = "JOB_COMPLETION_INDEX"
  static let parallel = "PARALLEL_SEQ"

  private let value: (String) -> String?

  /// Reads variables by their names; one that is empty counts as not set.
  public init(_ value: @escaping (String) -> String?) {
    self.value = { name in value(name).flatMap { $0.isEmpty ? nil : $0 } }
  }

  /// The shard that the environment says, or nil if it says none.
  ///
  /// - Throws: `ShardEnvironmentError` if a variable is malformed, missing, or contradicts another.
  public func finding() throws(ShardEnvironmentError) -> Finding? {
    if let text = value(Self.whole) {
      guard let shard = Shard(text) else {
        throw .malformed(variable: Self.whole, found: text, expected: "a shard such as 3/8")
      }
      return Finding(shard: shard, variable: Self.whole)
    }
    let count = try number(Self.count, in: 1...Shard.limit)
    if let finding = try numbered(Self.index, from: 0, of: count) { return finding }
    let findings = [
      try slurm(), try numbered(Self.kubernetes, from: 0, of: count),
      // GNU parallel numbers all its jobs, most of which are no shards.
      try count.flatMap { (count) throws(ShardEnvironmentError) in
        try numbered(Self.parallel, from: 1, of: count)
      },
    ].compactMap(\.self)
    guard let first = findings.first else {
      if let count { throw .noIndex(count: count) }
      return nil
    }
    for other in findings.dropFirst() where other.shard != first.shard {
      throw .contradiction(first, other)
    }
    if let count, count != first.shard.count { throw .otherCount(count: count, first) }
    return first
  }

  /// The shard with the number in a variable, of which `first` is the lowest.
  private func numbered(
    _ variable: String, from first: Int, of count: Int?
  ) throws(ShardEnvironmentError) -> Finding? {
    guard let number = try number(variable, in: first...Shard.limit) else { return nil }
    guard let count else { throw .noCount(variable: variable, number: number) }
    guard number - first < count else {
      throw .malformed(
        variable: variable, found: "\(number)",
        expected: "a number from \(first) to \(count - 1 + first), since \(Self.count) is \(count)")
    }
    return Finding(shard: Shard(index: number - first, count: count), variable: variable)
  }

  private func number(
    _ variable: String, in range: ClosedRange<Int>
  ) throws(ShardEnvironmentError) -> Int? {
    guard let text = value(variable) else { return nil }
    guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      let number = Int(text), range.contains(number)
    else {
      throw .malformed(
        variable: variable, found: text,
        expected: "a number from \(range.lowerBound) to \(range.upperBound)")
    }
    return number
  }
}

extension ShardEnvironment {
  static let slurmTask = "SLURM_ARRAY_TASK_ID"
  static let slurmFirst = "SLURM_ARRAY_TASK_MIN"
  static let slurmLast = "SLURM_ARRAY_TASK_MAX"
  static let slurmStep = "SLURM_ARRAY_TASK_STEP"
  static let slurmCount = "SLURM_ARRAY_TASK_COUNT"

  /// The place of an array task among those of its array.
  ///
  /// A list such as `1,2,7` cannot be told apart from parts of a range that someone runs again.
  private func slurm() throws(ShardEnvironmentError) -> Finding? {
    let range = 0...Shard.limit
    guard let task = try number(Self.slurmTask, in: range) else { return nil }
    let first = try needed(Self.slurmFirst, in: range)
    let last = try needed(Self.slurmLast, in: first...Shard.limit)
    let count = try needed(Self.slurmCount, in: 1...Shard.limit)
    // Slurm leaves it out, or says 0, where the array is a list.
    let step = max(1, try number(Self.slurmStep, in: range) ?? 1)
    guard (last - first) / step + 1 == count else {
      throw .malformed(
        variable: Self.slurmCount, found: "\(count)",
        expected:
          "\((last - first) / step + 1), since the array's tasks go from \(first) to \(last)"
          + " in steps of \(step); the array of a campaign must be a range")
    }
    guard (first...last).contains(task), (task - first).isMultiple(of: step) else {
      throw .malformed(
        variable: Self.slurmTask, found: "\(task)",
        expected: "a task from \(first) to \(last) in steps of \(step)")
    }
    return Finding(
      shard: Shard(index: (task - first) / step, count: count), variable: Self.slurmTask)
  }

  private func needed(
    _ variable: String, in range: ClosedRange<Int>
  ) throws(ShardEnvironmentError) -> Int {
    guard let number = try number(variable, in: range) else {
      throw .malformed(
        variable: variable, found: "nothing", expected: "a number, since \(Self.slurmTask) is set")
    }
    return number
  }
}

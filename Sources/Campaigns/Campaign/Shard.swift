// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Why the environment does not say which shard a process is, although it says something.
public struct ShardEnvironmentError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What is wrong, where, and what helps.
  public let description: String
}

/// Which shard of a campaign a process is, as the environment of a scheduler says.
///
/// `HYMT2_SHARD` counts alone. Without it, `HYMT2_SHARD_INDEX` does with `HYMT2_SHARD_COUNT`, as a matrix
/// of GitHub Actions sets them; without an index, Slurm's array task, the index of a Kubernetes job and
/// the job number of GNU parallel do, the latter two with `HYMT2_SHARD_COUNT`.
public struct ShardEnvironment {
  /// What a scheduler says, and which variable says it.
  public struct DetectedShard: Sendable, Equatable {
    /// The shard.
    public let shard: Shard
    /// The variable that has its number.
    public let variable: String
  }

  private static let whole = "HYMT2_SHARD"
  private static let index = "HYMT2_SHARD_INDEX"
  private static let count = "HYMT2_SHARD_COUNT"
  private static let remedy = "give --shard I/N or set \(whole)=I/N"

  /// The variables of schedulers that have the number of a shard, the lowest number, and whether the
  /// number says something only where there is a count: GNU parallel numbers all its jobs.
  private static let schedulers: [(variable: String, first: Int, isForCounted: Bool)] = [
    ("JOB_COMPLETION_INDEX", 0, false), ("PARALLEL_SEQ", 1, true),
  ]

  private let value: (String) -> String?

  /// Reads variables by their names; one that is empty counts as not set.
  public init(_ value: @escaping (String) -> String?) {
    self.value = { name in value(name).flatMap { $0.isEmpty ? nil : $0 } }
  }

  /// The shard that the environment says, or nil if it says none.
  ///
  /// - Throws: `ShardEnvironmentError` if a variable is malformed, missing, or contradicts another.
  public func finding() throws(ShardEnvironmentError) -> DetectedShard? {
    if let text = value(Self.whole) {
      guard let shard = Shard(text) else {
        throw Self.wrong(Self.whole, "a shard such as 3/8", found: text)
      }
      return DetectedShard(shard: shard, variable: Self.whole)
    }
    let count = try number(Self.count, in: 1...Shard.limit)
    if let finding = try numbered(Self.index, from: 0, of: count) { return finding }
    var findings = try slurm().map { [$0] } ?? []
    for scheduler in Self.schedulers where count != nil || !scheduler.isForCounted {
      let finding = try numbered(scheduler.variable, from: scheduler.first, of: count)
      findings += finding.map { [$0] } ?? []
    }
    guard let first = findings.first else {
      guard let count else { return nil }
      throw ShardEnvironmentError(
        description:
          "environment variable \(Self.count) is \(count), but nothing says which of them this is; "
          + "set \(Self.index) to a number from 0 to \(count - 1), or \(Self.remedy)")
    }
    let makes = "environment variable \(first.variable) makes this shard \(first.shard)"
    for other in findings where other.shard != first.shard {
      throw ShardEnvironmentError(
        description: "\(makes), \(other.variable) makes it \(other.shard); \(Self.remedy)")
    }
    if let count, count != first.shard.count {
      throw ShardEnvironmentError(
        description:
          "environment variable \(Self.count) is \(count), but \(first.variable) makes this shard "
          + "\(first.shard); \(Self.remedy)")
    }
    return first
  }

  /// The shard with the number in a variable, of which `first` is the lowest.
  private func numbered(
    _ variable: String, from first: Int, of count: Int?
  ) throws(ShardEnvironmentError) -> DetectedShard? {
    guard let number = try number(variable, in: first...Shard.limit) else { return nil }
    guard let count else {
      throw ShardEnvironmentError(
        description:
          "environment variable \(variable) is \(number), but \(Self.count) does not say of how "
          + "many; set it to the number of shards, or \(Self.remedy); \(Self.whole)=1/1 is a "
          + "campaign without shards")
    }
    guard number - first < count else {
      throw Self.wrong(
        variable, "a number from \(first) to \(count - 1 + first), since \(Self.count) is \(count)",
        found: "\(number)")
    }
    return DetectedShard(shard: Shard(index: number - first, count: count), variable: variable)
  }

  /// The place of an array task among those of its array.
  ///
  /// A list such as `1,2,7` cannot be told apart from parts of a range that someone runs again.
  private func slurm() throws(ShardEnvironmentError) -> DetectedShard? {
    let name = "SLURM_ARRAY_TASK_"
    let range = 0...Shard.limit
    guard let task = try number(name + "ID", in: range) else { return nil }
    let first = try needed(name + "MIN", in: range, with: name + "ID")
    let last = try needed(name + "MAX", in: first...Shard.limit, with: name + "ID")
    let count = try needed(name + "COUNT", in: 1...Shard.limit, with: name + "ID")
    // Slurm leaves it out, or says 0, where the array is a list.
    let step = max(1, try number(name + "STEP", in: range) ?? 1)
    guard (last - first) / step + 1 == count else {
      throw Self.wrong(
        name + "COUNT",
        "\((last - first) / step + 1), since the array's tasks go from \(first) to \(last) in steps "
          + "of \(step); the array of a campaign must be a range", found: "\(count)")
    }
    guard (first...last).contains(task), (task - first).isMultiple(of: step) else {
      throw Self.wrong(
        name + "ID", "a task from \(first) to \(last) in steps of \(step)", found: "\(task)")
    }
    return DetectedShard(
      shard: Shard(index: (task - first) / step, count: count), variable: name + "ID")
  }

  private func needed(
    _ variable: String, in range: ClosedRange<Int>, with other: String
  ) throws(ShardEnvironmentError) -> Int {
    guard let number = try number(variable, in: range) else {
      throw Self.wrong(variable, "a number, since \(other) is set", found: "nothing")
    }
    return number
  }

  private func number(
    _ variable: String, in range: ClosedRange<Int>
  ) throws(ShardEnvironmentError) -> Int? {
    guard let text = value(variable) else { return nil }
    guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      let number = Int(text), range.contains(number)
    else {
      throw Self.wrong(
        variable, "a number from \(range.lowerBound) to \(range.upperBound)", found: text)
    }
    return number
  }

  private static func wrong(
    _ variable: String, _ expected: String, found: String
  ) -> ShardEnvironmentError {
    ShardEnvironmentError(
      description: "environment variable \(variable): expected \(expected), found \(found)")
  }
}

/// One part of a campaign whose cases are shared out among several processes or machines.
public struct Shard: Sendable, Hashable, CustomStringConvertible {
  /// The most shards of a campaign.
  public static let limit = 1_000_000_000
  /// The whole campaign.
  public static let whole = Shard(index: 0, count: 1)

  /// The position of the shard, from 0.
  public let index: Int
  /// How many shards there are.
  public let count: Int

  /// The shard at a position, which must be below the count.
  public init(index: Int, count: Int) {
    precondition((1...Self.limit).contains(count) && (0..<count).contains(index))
    self.index = index
    self.count = count
  }

  /// Reads a shard such as `3/8`, the third of eight; nil if the text is no such thing.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    // `Int` takes a sign, too.
    let isPlain = text.utf8.allSatisfy { (UInt8(ascii: "/")...UInt8(ascii: "9")).contains($0) }
    guard isPlain, parts.count == 2, let number = Int(parts[0]), let count = Int(parts[1]),
      (1...Self.limit).contains(count), (1...count).contains(number)
    else { return nil }
    self.init(index: number - 1, count: count)
  }

  /// The shard as it is on a command line, such as `3/8`.
  public var description: String { "\(index + 1)/\(count)" }

  /// Whether the case of a number, from 0, belongs to this shard.
  public func owns(_ number: Int) -> Bool { number % count == index }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Why the environment does not say which shard a process is, although it says something.
public enum ShardEnvironmentError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A variable has no such value as it must have.
  case malformed(variable: String, found: String, expected: String)
  /// The number of the shard is there, but not of how many.
  case noCount(variable: String, number: Int)
  /// The number of shards is there, but not which one this is.
  case noIndex(count: Int)
  /// Two schedulers say different things.
  case contradiction(ShardEnvironment.Finding, ShardEnvironment.Finding)
  /// A scheduler has another number of shards.
  case otherCount(count: Int, ShardEnvironment.Finding)

  /// What is wrong, where, and what helps.
  public var description: String {
    let remedy = "give --shard I/N or set \(ShardEnvironment.whole)=I/N"
    return switch self {
    case .malformed(let variable, let found, let expected):
      "environment variable \(variable): expected \(expected), found \(found)"
    case .noCount(let variable, let number):
      "environment variable \(variable) is \(number), but \(ShardEnvironment.count) does not say of "
        + "how many; set it to the number of shards, or \(remedy); \(ShardEnvironment.whole)=1/1 is "
        + "a campaign without shards"
    case .noIndex(let count):
      "environment variable \(ShardEnvironment.count) is \(count), but nothing says which of them "
        + "this is; set \(ShardEnvironment.index) to a number from 0 to \(count - 1), or \(remedy)"
    case .contradiction(let one, let other):
      "environment variable \(one.variable) makes this shard \(one.shard), \(other.variable) makes "
        + "it \(other.shard); \(remedy)"
    case .otherCount(let count, let finding):
      "environment variable \(ShardEnvironment.count) is \(count), but \(finding.variable) makes "
        + "this shard \(finding.shard); \(remedy)"
    }
  }
}

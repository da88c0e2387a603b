// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

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

  /// The shard as it stands on a command line, such as `3/8`.
  public var description: String { "\(index + 1)/\(count)" }

  /// Whether the case of a number, from 0, belongs to this shard.
  public func owns(_ number: Int) -> Bool { number % count == index }
}

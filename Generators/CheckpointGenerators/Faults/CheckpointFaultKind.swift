// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// One way in which a checkpoint can be invalid.
public struct CheckpointFaultKind: Sendable {
  /// Which side of a conversion is given the invalid tensors.
  public enum Side: String, Sendable, Hashable {
    /// The checkpoint on disk, which `fromHF` must refuse.
    case onDisk = "on disk"
    /// The native form, which `toHF` must refuse.
    case native
  }

  /// The name in reports, such as `missing-expert`.
  public let name: String
  /// What is wrong, in one sentence.
  public let statement: String
  /// Where such a fault comes from.
  public let source: String
  /// Which side is at fault.
  public let side: Side
  private let body: @Sendable (inout FaultyCheckpoint, inout FaultSite) -> String?

  /// - Parameter body: Makes the fault and gives what is wrong in words that continue "a checkpoint
  ///   whose", or nil where the checkpoint has no place for it.
  init(
    _ name: String, _ statement: String, source: String, side: Side = .onDisk,
    body: @escaping @Sendable (inout FaultyCheckpoint, inout FaultSite) -> String?
  ) {
    self.name = name
    self.statement = statement
    self.source = source
    self.side = side
    self.body = body
  }

  /// Makes the fault, if the checkpoint has a place for it that no earlier fault touched.
  ///
  /// - Parameter site: Decides the place; zero is the simplest one.
  /// - Returns: Whether the fault was made; if not, the checkpoint is as it was.
  public func apply(to checkpoint: inout FaultyCheckpoint, site: UInt64) -> Bool {
    guard var attempt = checkpoint.attempt(on: side) else { return false }
    var place = FaultSite(site)
    guard let words = body(&attempt, &place), attempt.isApart(from: checkpoint),
      attempt.offences.count > checkpoint.offences.count
    else { return false }
    attempt.record(name, words, after: checkpoint)
    checkpoint = attempt
    return true
  }
}

/// Decides where a fault strikes, digit by digit.
struct FaultSite {
  private var rest: UInt64

  init(_ value: UInt64) {
    rest = value
  }

  /// One of some choices, the first if the site is zero; nil if there is none.
  mutating func pick<Choice>(_ choices: some Collection<Choice>) -> Choice? {
    guard !choices.isEmpty else { return nil }
    let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: UInt64(choices.count))
    rest = quotient
    return choices[choices.index(choices.startIndex, offsetBy: Int(remainder))]
  }
}

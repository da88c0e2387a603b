// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Tensors

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
  /// Which side is at fault.
  public let side: Side
  private let body: @Sendable (inout FaultyCheckpoint, inout FaultSite) -> String?

  /// - Parameter body: Makes the fault and gives what is wrong in words that continue "a checkpoint
  ///   whose", or nil where the checkpoint has no place for it.
  init(
    _ name: String, side: Side = .onDisk,
    body: @escaping @Sendable (inout FaultyCheckpoint, inout FaultSite) -> String?
  ) {
    self.name = name
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

/// Chooses a tensor to corrupt, or nil where a checkpoint has none that is meant.
typealias FaultPicker = @Sendable (FaultyCheckpoint, inout FaultSite) -> FaultPlace?

/// The shapes that most corruptions have: a tensor, chosen by its role, and one edit.
extension CheckpointFaultKind {
  /// A tensor that is not there.
  static func lost(
    _ name: String, at pick: @escaping FaultPicker,
    words: @escaping @Sendable (FaultPlace) -> String
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name) { checkpoint, site in
      guard let place = pick(checkpoint, &site) else { return nil }
      checkpoint.lose([place.name])
      return words(place)
    }
  }

  /// A tensor under another key, of which a refusal says something if there are codes for it.
  static func renamed(
    _ name: String, at pick: @escaping FaultPicker,
    to other: @escaping @Sendable (FaultyCheckpoint, FaultPlace) -> Renaming?
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name) { checkpoint, site in
      guard let place = pick(checkpoint, &site), let renaming = other(checkpoint, place),
        checkpoint.rename(place.name, to: renaming.key)
      else { return nil }
      if !renaming.codes.isEmpty { checkpoint.offend(renaming.key, renaming.codes) }
      checkpoint.offendMissing(place)
      return renaming.words
    }
  }

  /// Another key, what a refusal must say of it, and what is wrong in words.
  typealias Renaming = (key: TensorName, codes: [Problem.Code], words: String)

  /// A tensor of another shape.
  static func reshaped(
    _ name: String, at pick: @escaping FaultPicker,
    words: @escaping @Sendable (FaultPlace, Shape) -> String,
    _ extents: @escaping @Sendable (Shape) -> [Int]
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name) { checkpoint, site in
      guard let place = pick(checkpoint, &site), checkpoint.reshape(place.name, extents),
        let shape = checkpoint.info(place.name)?.shape
      else { return nil }
      return words(place, shape)
    }
  }
}

/// Decides where a fault goes, digit by digit.
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

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// A fault of a table that can be read.
public struct LayoutFinding: Sendable, Hashable, CustomStringConvertible {
  /// What is demanded of every table.
  public enum Demand: String, Sendable, Hashable, CaseIterable {
    case injective
    case complete
    case reversible
    case distinctOnDisk = "distinct on disk"
    case distinctNatively = "distinct natively"
    case idempotent
    case noDeadRule = "no dead rule"
    case noShadowedRule = "no shadowed rule"
    case letters
    case used
    case config

    /// The demand in a sentence.
    public var statement: String {
      switch self {
      case .injective: "no two elements on disk share a place in native form"
      case .complete: "the tensors on disk fill every native group"
      case .reversible: "every native name leads back to its tensor on disk"
      case .distinctOnDisk: "no two tensors share a name on disk"
      case .distinctNatively: "no two tensors share a native name"
      case .idempotent: "no native name that differs is another tensor's name on disk"
      case .noDeadRule: "every rule concerns the tensors of some config"
      case .noShadowedRule: "no rule is hidden by another, and every name is read as its own rule"
      case .letters: "index letters are used, and none is the letter of another size"
      case .used: "every size, flag and low-rank factor is used"
      case .config: "a config of any sizes can be written and read again"
      }
    }
  }

  /// What is not met.
  public let demand: Demand
  /// The native form in which it is not, or nil where it concerns them all.
  public internal(set) var native: String?
  /// Where.
  public let error: LayoutError

  /// The text shown to people.
  public var description: String {
    "\(error)\(native.map { " (native form \($0))" } ?? "")"
  }
}

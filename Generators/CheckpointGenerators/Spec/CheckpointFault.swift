// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// One thing to be made wrong with a valid checkpoint.
public struct CheckpointFault: Sendable, Hashable {
  /// The position in the catalogue of faults.
  public var kind: Int
  /// Decides where the fault strikes.
  public var site: UInt64

  /// Creates a fault.
  public init(kind: Int, site: UInt64) {
    self.kind = kind
    self.site = site
  }
}

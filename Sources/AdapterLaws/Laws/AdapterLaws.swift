// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// All laws, in the order of reports: what says most about a fault comes first.
public enum AdapterLaws {
  /// The laws.
  public static let all: [AdapterLaw] =
    mtp + placement + roundTrips + saving + expertParallel + metamorphic + conservation + repetition
    + [invalidInput]

  /// The law of a name, or nil.
  public static func named(_ name: String) -> AdapterLaw? {
    all.first { $0.name == name }
  }
}

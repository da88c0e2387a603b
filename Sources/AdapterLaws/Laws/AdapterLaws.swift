// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Layouts

/// All laws, in the order of reports: what says most about a fault comes first.
public enum AdapterLaws {
  /// The laws.
  public static let all: [AdapterLaw] =
    mtp + placement + roundTrips + saving + expertParallel + metamorphic + conservation + repetition
    + [invalidInput]

  /// The laws, stated for a layout.
  public static func all(for layout: Layout) -> [AdapterLaw] { all.map { $0.stated(for: layout) } }

  /// The law of a name, or nil.
  public static func named(_ name: String) -> AdapterLaw? {
    all.first { $0.name == name }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// All laws, in the order of reports: the most fundamental first.
public enum AdapterLaws {
  /// The laws.
  public static let all: [AdapterLaw] = [roundTrip]

  /// The law of a name, or nil.
  public static func named(_ name: String) -> AdapterLaw? {
    all.first { $0.name == name }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import CheckpointGenerators

extension GoldenCase {
  /// The first axis on which the case has a value that an adapter does not support, nil if it
  /// supports all.
  ///
  /// - Parameter space: The space without what is not supported.
  public func axis(disallowedIn space: CheckpointSpace) -> ConfigAxis? {
    guard !space.allowed.isEmpty else { return nil }
    // An exclusion of no spec is on no value of the axis.
    guard let spec = CheckpointSpec(self) else {
      return space.allowed[.exclusion] == nil ? nil : .exclusion
    }
    return space.disallowedAxis(AxisValues(spec))
  }
}

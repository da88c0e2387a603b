// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Adapters
public import CheckpointGenerators
public import Tensors

/// What a correct adapter gives, stated by index and without the adapter's rules.
public struct LayoutOracle: Sendable {
  private let spec: CheckpointSpec

  /// Creates the oracle of a spec.
  public init(_ spec: CheckpointSpec) {
    self.spec = spec
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Adapters
import Layouts

/// A conversion that can be traced.
public enum TracedStep: Sendable, Hashable {
  /// From disk to native form, for all experts or one rank.
  case fromHF(ExpertParallelism?)
  /// From native form to disk, for all experts or one rank.
  case toHF(ExpertParallelism?)
  /// From native form to disk, one tensor at a time.
  case streaming(ExpertParallelism?)

  /// The rank whose experts are converted, or nil for all.
  public var parallelism: ExpertParallelism? {
    switch self {
    case .fromHF(let parallelism), .toHF(let parallelism), .streaming(let parallelism):
      parallelism
    }
  }

  /// Whether the step leads from disk to native form.
  public var isFromHF: Bool {
    if case .fromHF = self { return true }
    return false
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
public import Tensors

extension Trial {
  /// What the native form of the checkpoint should be.
  public func expectedNative() throws(Violation) -> StateDict {
    try cached(\.expectedNative) { () throws(Violation) in
      try oracle.native(of: onDisk())
    }
  }

  /// What should be on disk after that native form is saved.
  public func expectedSaved() throws(Violation) -> StateDict {
    try cached(\.expectedSaved) { () throws(Violation) in
      try oracle.onDisk(of: expectedNative())
    }
  }

  /// What the adapter saves of the right native form, whatever it loads itself.
  public func saved() throws(Violation) -> StateDict {
    try cached(\.saved) { () throws(Violation) in try toHF(expectedNative()) }
  }

  /// How the adapter's native form differs from the right one, nil if it does not.
  func loadMismatch() throws(Violation) -> Mismatch? {
    let (found, expected) = (try native(), try expectedNative())
    return compared(\.load) {
      Mismatch(
        expected: expected, found: found, castTensors: oracle.castTensors(of: expected))
    }
  }

  /// How what the adapter saves differs from the right form on disk, nil if it does not.
  func saveMismatch() throws(Violation) -> Mismatch? {
    let (found, expected) = (try saved(), try expectedSaved())
    return compared(\.save) { Mismatch(expected: expected, found: found) }
  }

  /// What the adapter loads for one rank.
  func rankNative(_ rank: ExpertParallelism) throws(Violation) -> StateDict {
    try fromHF(onDisk(), rank)
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Layouts

extension Layout {
  /// The layout of checkpoints for which no other is asked.
  public static let usual: Layout = {
    guard let layout = Layout.known("hy_v3") else {
      preconditionFailure("the table of Hy3 is part of the program")
    }
    return layout
  }()
}

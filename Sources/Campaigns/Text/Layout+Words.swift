// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CheckpointGenerators
internal import Layouts

extension Layout {
  /// What is said of the layout behind an adapter's name: nothing of the usual one.
  var remark: String {
    guard self != .usual else { return "" }
    let form = native == natives[0] ? "" : ", native form: \(native)"
    return ", layout: \(name)\(form)"
  }

  /// What was under test, in a few words.
  func subject(_ adapter: String) -> String { "adapter: \(adapter)\(remark)" }
}

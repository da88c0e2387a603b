// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation

/// The scripted server, which is built beside the tests.
enum ScriptedAdapter {
  /// The command that starts it, with what it is to do wrong.
  static func command(_ rules: String...) -> String {
    let program = Hymt2.program.deletingLastPathComponent().appending(path: "scripted-server")
    return "exec '\(program.path)' \(rules.map { "'\($0)'" }.joined(separator: " "))"
  }
}

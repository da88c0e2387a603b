// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Campaigns

extension FaultReport {
  /// The report as the lines of a page in Markdown.
  public var markdown: [String] { [] }
}

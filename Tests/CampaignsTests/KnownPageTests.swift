// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import StrictJSON
import Testing

@testable import Campaigns

@Suite("The page of known divergences")
struct KnownPageTests {
  @Test("Each entry has its texts, the config and the command that shows it")
  func page() throws {
    let token = KnownLists.simplest()
    let entry = KnownLists.entry(
      "much", law: "few-experts", token: token, when: ["experts": ["3", "4-8"]])
    let list = try KnownLists.read(KnownLists.file([entry], command: "python3 -m serve it"))
    let page = list.markdown
    for part in [
      "# Known divergences of versioned 1.2\n", "fails for others only. There are 1.\n",
      "\n## Does \\<it\\> & more\n",
      "\n`much` · laws: few-experts · on checkpoints with experts: 3 or 4-8 · decision: report upstream\n",
      "\nIn `code`, \\*here\\*, it does it.\n", "\n> too much\n", "```json\n{\n",
      "\"num_experts\": 1",
      "```sh\nhymt2 replay \(token) --adapter 'python3 -m serve it' --no-known\n```\n",
    ] {
      #expect(page.contains(part), "\(part) is not in \(page)")
    }
    #expect(!page.contains("\n\n\n") && page.hasSuffix("\n") && !page.hasSuffix("\n\n"))
  }
}

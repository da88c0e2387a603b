// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Foundation
import Testing

@Suite("The laws in the documentation")
struct LawsPageTests {
  private func page(_ name: String) throws -> String {
    let url = URL(filePath: "\(Hymt2.tree)/\(name)")
    return String(decoding: try Data(contentsOf: url), as: UTF8.self)
  }

  @Test("docs/laws.md shows what hymt2 check --list-laws prints")
  func list() throws {
    let printed = try Hymt2.run("check", "--list-laws").output
    let shown = try page("docs/laws.md").components(separatedBy: "```")
    try #require(shown.count == 3)
    let isSame = shown[1] == "text\n\(printed)"
    #expect(isSame, "copy the output of hymt2 check --list-laws into docs/laws.md")
  }

  @Test("README.md and CHANGELOG.md count the laws right")
  func count() throws {
    for name in ["README.md", "CHANGELOG.md"] {
      #expect(try page(name).contains("\(AdapterLaws.all.count) laws"), "\(name)")
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Testing

@Suite("The documentation")
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

  @Test("No line of a guide is longer than 120 characters")
  func lines() throws {
    // Pages of known divergences are printed by `hymt2 known`; measured tables have rows of any length.
    let docs = try FileManager.default.contentsOfDirectory(atPath: "\(Hymt2.tree)/docs").filter {
      $0.hasSuffix(".md")
        && (!$0.hasPrefix("known-divergences") || $0 == "known-divergences-format.md")
        && $0 != "upstream.md"
    }.map { "docs/\($0)" }
    let others = [
      "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Golden/README.md",
      "Generators/python/README.md", "Generators/configs/README.md",
    ]
    #expect(docs.count > 5)
    for name in docs + others {
      for (number, line) in try page(name).components(separatedBy: "\n").enumerated() {
        #expect(line.count <= 120, "\(name), line \(number + 1)")
      }
    }
  }
}

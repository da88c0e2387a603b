// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Testing

@Suite("docs/architecture.md")
struct ArchitecturePageTests {
  private let text: String

  init() throws {
    text = String(
      decoding: try Data(contentsOf: URL(filePath: "\(Hymt2.tree)/docs/architecture.md")),
      as: UTF8.self)
  }

  @Test("Each station of the two walks is a file, and a walk has at most fifteen")
  func walks() throws {
    let walks = text.components(separatedBy: "## Two walks").dropFirst().joined()
      .components(separatedBy: "\n## ")[0].components(separatedBy: "\n**").dropFirst()
    try #require(walks.count == 2)
    for walk in walks {
      #expect(1...15 ~= walk.matches(of: #/\n[0-9]+[.] /#).count)
      let files = walk.matches(of: #/`([A-Za-z0-9+/]+[.]swift)`/#).map { String($0.output.1) }
      #expect(files.count >= 10)
      for file in files {
        #expect(FileManager.default.fileExists(atPath: "\(Hymt2.tree)/\(file)"), "\(file)")
      }
    }
  }
}

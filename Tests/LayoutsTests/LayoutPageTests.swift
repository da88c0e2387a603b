// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import StrictJSON
import Tensors
import Testing

@Suite("The page that teaches layout tables")
struct LayoutPageTests {
  /// The tables of the steps, in order.
  private static func steps() throws -> [String] {
    try Repository.text("docs/layout-tables.md").split(separator: "<!-- step ").dropFirst().map {
      part in
      let lines = part.split(separator: "\n", omittingEmptySubsequences: false)
      let start = try #require(lines.firstIndex(of: "```yaml"))
      let end = try #require(lines[(start + 1)...].firstIndex(of: "```"))
      return lines[(start + 1)..<end].map { "\($0)\n" }.joined()
    }
  }

  @Test("Each step is a table that can be read and has nothing wrong but what later steps use")
  func eachStep() throws {
    let steps = try Self.steps()
    #expect(steps.count == 5)
    var counts: [Int] = []
    for step in steps {
      let layout = try Layout(text: step, name: "qwen3_moe")
      counts.append(layout.tensors.count)
      let demands = try LayoutAudit(text: step, name: "qwen3_moe").findings.map(\.demand)
      #expect(demands.allSatisfy { $0 == .used }, "\(demands)")
    }
    #expect(counts == counts.sorted())
    #expect(try LayoutAudit(text: steps[3], name: "qwen3_moe").findings == [])
  }

  @Test("Each step has the tensors of the step before, with the same shapes")
  func growth() throws {
    var before: Set<String> = []
    for step in try Self.steps() {
      let layout = try Layout(text: step, name: "qwen3_moe")
      let config = try ModelConfig(
        json: Repository.json("Generators/configs/qwen3-30b-a3b.json"), layout: layout)
      let tensors = Set(try config.listing().map { $0.info.description })
      #expect(before.isSubset(of: tensors))
      before = tensors
    }
    #expect(before.count == 18_867)
  }

  @Test("The last step is the table of the program")
  func last() throws {
    #expect(try Self.steps().last == Layout.named("qwen3_moe").text)
  }

  @Test("Every field, symbol and role that the reader knows is on the page")
  func complete() throws {
    let page = try Repository.text("docs/layout-tables.md")
    let fields = [
      "extends", "models", "architecture", "upstream", "config", "natives", "sizes", "flags",
      "constants", "layers", "prefix", "companions", "lora", "order", "tensors",
    ]
    for field in fields { #expect(page.contains("| `\(field):"), "\(field)") }
    for symbol in SizeSymbol.allCases { #expect(page.contains("| `\(symbol.rawValue)` |")) }
    for role in TensorRole.allCases where role != .expert {
      #expect(page.contains("`\(role.rawValue)`"), "\(role.rawValue)")
    }
    for line in page.split(separator: "\n") { #expect(line.count <= 120, "\(line)") }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import StrictJSON
import Testing

/// A change of transformers' mapping of Qwen3-MoE, and what the comparison with our layout says.
struct WrongMapping: Sendable, CustomTestStringConvertible {
  let name: String
  let changes: [(String, String)]
  let demands: Set<MappingFinding.Demand>

  init(
    _ name: String, _ changes: (String, String)..., is demands: Set<MappingFinding.Demand>
  ) {
    self.name = name
    self.changes = changes
    self.demands = demands
  }

  var testDescription: String { name }

  private static let gate = "\"mlp.experts.*.gate_proj.weight\""
  private static let up = "\"mlp.experts.*.up_proj.weight\""
  private static let down =
    "\"to\": [\"mlp.experts.down_proj\"], \"by\": [{\"name\": \"MergeModulelist\", \"dim\": 0}"
  private static let first = "\"qwen3_moe\": [\n"

  private static func rule(_ from: String, _ to: String) -> (String, String) {
    (
      first,
      "\(first)  {\"kind\": \"WeightRenaming\", \"from\": [\"\(from)\"], \"to\": [\"\(to)\"]},\n"
    )
  }

  private static func operation(_ text: String) -> (String, String) {
    (down, "\(down), {\(text)}")
  }

  static let all = [
    WrongMapping("up before gate", ("[\(gate), \(up)]", "[\(up), \(gate)]"), is: [.elements]),
    WrongMapping(
      "joined along another axis", ("\"Concatenate\", \"dim\": 1", "\"Concatenate\", \"dim\": 2"),
      is: [.shape, .elements]),
    WrongMapping(
      "transposed", operation("\"name\": \"Transpose\", \"dim0\": 1, \"dim1\": 2"), is: [.shape]),
    WrongMapping(
      "transposed where the shape is another",
      operation("\"name\": \"Transpose\", \"dim0\": 1, \"dim1\": 2, \"check_dims\": true"),
      is: [.noChoiceByShape, .reversible]),
    WrongMapping(
      "an operation that nobody knows", operation("\"name\": \"Shuffle\""),
      is: [.interpreted, .filled]),
    WrongMapping(
      "interleaved", operation("\"name\": \"Interleave\", \"dim\": 1"), is: [.elements]),
    WrongMapping(
      "two names become one", rule("k_norm", "q_norm"), is: [.injective, .filled, .idempotent]),
    WrongMapping(
      "another name than the model has", rule("q_proj", "wq"), is: [.loaded, .filled, .idempotent]),
    WrongMapping("saved under another name", rule("model.n.rm", "model.norm"), is: [.reversible]),
    WrongMapping(
      "a rule that fits no name", rule("w1.weight", "gate_proj.weight"), is: [.noDeadRule]),
    WrongMapping(
      "a rule that another hides", rule("model\\\\.norm", "model.norm"),
      rule("^model\\\\.norm\\\\.", "norm."), is: [.noShadowedRule]),
  ]
}

@Suite("Layouts and transformers' own mapping")
struct MappingAuditTests {
  @Test(
    "Every layout agrees with transformers, but for what is explained", arguments: Layout.knownNames
  )
  func agrees(_ name: String) throws {
    let audit = try MappingAudit(of: Layout.named(name), TransformersMapping())
    #expect(audit.findings.isEmpty, "\(audit.findings)")
    #expect(audit.classes.isEmpty || audit.nameCount > 20)
  }

  @Test("A wrong mapping is found out", arguments: WrongMapping.all)
  func finds(_ wrong: WrongMapping) throws {
    var texts = TransformersMapping.texts
    let start = try #require(texts[0].firstRange(of: "\"qwen3_moe\": ["))
    var tail = String(texts[0][start.lowerBound...])
    for (old, new) in wrong.changes {
      let range = try #require(tail.firstRange(of: old), "no \(old)")
      tail.replaceSubrange(range, with: new)
    }
    texts[0] = texts[0][..<start.lowerBound] + tail
    let audit = try MappingAudit(of: Layout.named("qwen3_moe"), TransformersMapping(texts: texts))
    #expect(Set(audit.findings.map(\.demand)) == wrong.demands, "\(audit.findings)")
  }

  @Test("An explanation that explains nothing is a finding")
  func explanation() throws {
    var texts = TransformersMapping.texts
    texts[1] = """
      [{"layouts": ["qwen3_moe"], "demand": "loaded", "start": "model.", "why": "No reason."}]
      """
    let audit = try MappingAudit(of: Layout.named("qwen3_moe"), TransformersMapping(texts: texts))
    #expect(audit.findings.map(\.demand) == [.explanation])
  }

  @Test("A fault of the files is named by its place")
  func fault() {
    let texts = ["{\"transformers\": \"5\", \"entries\": {}, \"models\": [{\"class\": 1}]}", "[]"]
    let error = JSONFieldError(place: "models[0].class", expected: "a string", found: "1")
    #expect(throws: error) { try TransformersMapping(texts: texts) }
  }
}

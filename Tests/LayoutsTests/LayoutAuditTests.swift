// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Testing

/// A change that leaves the tiny table readable and makes it wrong, and what the audit says.
struct WrongTable: Sendable, CustomTestStringConvertible {
  let name: String
  let changes: [(String, String)]
  let demand: LayoutFinding.Demand
  let line: Int?
  let field: String
  let expected: String
  let found: String

  init(
    _ name: String, _ changes: (String, String)..., is demand: LayoutFinding.Demand, line: Int?,
    _ field: String, expected: String, found: String
  ) {
    self.name = name
    self.changes = changes
    self.demand = demand
    self.line = line
    self.field = field
    self.expected = expected
    self.found = found
  }

  var testDescription: String { name }

  private static let block = "tensors.model.layers.{L}"
  private static let experts = block + ".sparse.mlp.experts.{e}"

  static let all: [WrongTable] = [
    WrongTable(
      "halves on each other", ("fused[e, h, I + i]", "fused[e, h, i]"), is: .injective, line: 17,
      experts + ".up.weight", expected: "a place in 'mlp.experts.fused' for each element alone",
      found: "[0, 0, 0], where 'mlp.experts.{e}.gate.weight' is"),
    WrongTable(
      "halves that overlap by one", ("fused[e, h, I + i]", "fused[e, h, I - 1 + i]"),
      is: .injective, line: 17, experts + ".up.weight",
      expected: "a place in 'mlp.experts.fused' for each element alone", found: ", where '"),
    WrongTable(
      "one place for all interleaved", ("fused[e, h, i]", "fused[e, h, 2 * i]"),
      ("fused[e, h, I + i]", "fused[e, h, 2 * i]"), is: .injective, line: 17,
      experts + ".up.weight", expected: "a place in 'mlp.experts.fused' for each element alone",
      found: "[0, 0, 0], where 'mlp.experts.{e}.gate.weight' is"),
    WrongTable(
      "an offset that is in the next row", ("fused[e, h, i]", "fused[e, h, 2 * i]"),
      ("fused[e, h, I + i]", "fused[e, h, 2 * i + 2]"), is: .injective, line: 17,
      experts + ".up.weight", expected: "offsets below the coefficients of 'mlp.experts.fused'",
      found: "one that is not, with H = "),
    WrongTable(
      "a gap between halves", ("fused[e, h, I + i]", "fused[e, h, I + 1 + i]"), is: .complete,
      line: 17, experts + ".up.weight", expected: "parts that fill 'mlp.experts.fused' [",
      found: "nothing at [0, 0, "),
    WrongTable(
      "a native shape of more elements",
      ("automodel: mlp.choice.weight", "automodel: mlp.choice.weight, native shape: [E, H, 2]"),
      is: .complete, line: 13, block + ".sparse.mlp.router.weight",
      expected: "a native shape of as many elements as [", found: ", 2], with H = "),
    WrongTable(
      "more rows than there are on disk",
      ("automodel: mlp.choice.weight", "automodel: mlp.choice.weight, crop: E + 1"), is: .complete,
      line: 13, block + ".sparse.mlp.router.weight",
      expected: "a native shape of as many elements as [", found: "], with H = "),
    WrongTable(
      "a native shape that no integer counts",
      (
        "automodel: mlp.choice.weight",
        "automodel: mlp.choice.weight, native shape: [E, 4611686018427387904, 4]"
      ),
      is: .complete, line: 13, block + ".sparse.mlp.router.weight",
      expected: "a native shape of as many elements as [", found: ", 4], with H = "),
    WrongTable(
      "pieces with a row more",
      ("automodel: mlp.choice.weight", "automodel: {mlp.a.weight: E, mlp.b.weight: 1}"),
      is: .complete, line: 13, block + ".sparse.mlp.router.weight",
      expected: "pieces with the rows of [", found: " + 1, with H = "),
    WrongTable(
      "every second place only", ("down[e, i, h]", "down[e, i, 2 * h]"), is: .complete, line: 18,
      experts + ".down.weight", expected: "parts that fill 'mlp.experts.down' [",
      found: "nothing at [0, 0, 1]"),
    WrongTable(
      "a part with a condition", ("down.weight: {", "down.weight: {if: S > 0, "),
      (
        "automodel: \"mlp.experts.down[e, i, h]\"",
        "automodel: \"mlp.experts.fused[e, i, 2 * I + h]\""
      ),
      is: .complete, line: 18, experts + ".down.weight", expected: "parts that fill",
      found: "nothing at"),
    WrongTable(
      "two tensors of one name on disk",
      ("mtp: {extra", "mtp: {norm.weight: [H], extra"),
      is: .distinctOnDisk, line: 19, block + ".mtp.norm.weight", expected: "a name of its own",
      found: "'norm.weight', as at \(block).norm.weight (line 9)"),
    WrongTable(
      "two tensors of one native name",
      ("mlp.shared: {", "mlp.shared: {more: {shape: [H], automodel: mlp.choice.weight}, "),
      is: .distinctNatively, line: 14, block + ".sparse.mlp.shared.more",
      expected: "a native name of its own",
      found: "'mlp.choice.weight', as at \(block).sparse.mlp.router.weight (line 13)"),
    WrongTable(
      "a native name that a group has",
      ("mlp.shared: {", "mlp.shared: {more: {shape: [H], automodel: mlp.experts.down}, "),
      is: .distinctNatively, line: 18, experts + ".down.weight",
      expected: "a native name of its own",
      found: "'mlp.experts.down', as at \(block).sparse.mlp.shared.more (line 14)"),
    WrongTable(
      "a native name that another kind of layer has on disk",
      ("automodel: mlp.choice.weight", "automodel: mlp.up.weight"), is: .idempotent, line: 13,
      block + ".sparse.mlp.router.weight", expected: "a native name that is not used on disk",
      found: "'mlp.up.weight', the name at \(block).dense.mlp.{gate,up}.weight (line 11)"),
    WrongTable(
      "a native name that reads as the other's",
      ("automodel: mlp.choice.weight", "automodel: mlp.up.weight"), is: .reversible, line: 13,
      block + ".sparse.mlp.router.weight",
      expected: "a native name that leads back to 'mlp.router.weight'",
      found: "'model.layers.1.mlp.up.weight', read as 'mlp.up.weight'"),
    WrongTable(
      "a condition that nothing meets", ("if: S > 0", "if: S > 3 and S < 3"), is: .noDeadRule,
      line: 14, block + ".sparse.mlp.shared.weight",
      expected: "a config that has 'mlp.shared.weight'",
      found: "a condition that no drawn config meets"),
    WrongTable(
      "prediction layers that there are not",
      (", mtp: {count: mtp_layers, on load: keep}", ""), is: .noDeadRule, line: 19,
      block + ".mtp.extra.weight", expected: "a config that has 'extra.weight'",
      found: "no mtp layers"),
    WrongTable(
      "dense layers that there are not", ("sparse: {from: dense_layers}", "sparse: all"),
      is: .noDeadRule, line: 11, block + ".dense.mlp.{gate,up}.weight",
      expected: "a config that has 'mlp.gate.weight'", found: "no dense layers"),
    WrongTable(
      "a flag and its opposite", ("if: extra_bias", "if: extra_bias and not extra_bias"),
      is: .noDeadRule, line: 11, block + ".dense.mlp.bias",
      expected: "a config that has 'mlp.bias'", found: "a condition that no drawn config meets"),
    WrongTable(
      "a module whose tensor has a name of its own",
      ("mlp.shared: {", "mlp.shared: {automodel: mlp.joint, more: {automodel: x.y, shape: [H]}, "),
      is: .noShadowedRule, line: 14, block + ".sparse.mlp.shared.more",
      expected: "'mlp.joint.more', as the module's native name says",
      found: "a native name of its own"),
    WrongTable(
      "a renamed module without tensors",
      (
        "mlp.shared: {",
        "mlp.joint: {automodel: x, more: {automodel: x.y, shape: [H]}}\n      mlp.shared: {"
      ),
      is: .noShadowedRule, line: 14, block + ".sparse.mlp.joint.automodel",
      expected: "a tensor that the module's native name renames", found: "none"),
    WrongTable(
      "an expert's number written out",
      ("mlp.shared: {", "mlp.experts.7.up.weight: [H]\n      mlp.shared: {"), is: .noShadowedRule,
      line: 14, block + ".sparse.mlp.experts.7.up.weight",
      expected: "a name that is not also expert 7's of 'mlp.experts.{e}.up.weight'",
      found: "'mlp.experts.7.up.weight'"),
    WrongTable(
      "two starts with one native start",
      ("prefix: [model., \"\"]", "prefix: {model.: x., head.: x.}"), is: .reversible, line: 5,
      "prefix", expected: "starts each of which is exchanged for another alone",
      found: "'model.' to 'x.', and 'x.' to 'head.'"),
    WrongTable(
      "a start within another's native one",
      ("prefix: [model., \"\"]", "prefix: {model.: \"\", head.: em}"), is: .reversible, line: 5,
      "prefix", expected: "starts by which native names lead back to 'model.embed.weight'",
      found: "'embed.weight', back 'head.bed.weight'"),
    WrongTable(
      "a first start that layers do not have",
      ("prefix: [model., \"\"]", "prefix: {head.: x., model.: y.}"), is: .noDeadRule, line: 5,
      "prefix", expected: "a first prefix that names of layers begin with",
      found: "'head.', where they begin with 'model.layers.'"),
    WrongTable(
      "a name that is another's under another prefix",
      ("head.weight: {shape: [H], role: head}", "embed.weight: {shape: [H], role: head}"),
      is: .noShadowedRule, line: 5, "prefix",
      expected: "prefixes under which no name is another tensor's",
      found: "'embed.weight', which is "),
    WrongTable(
      "a name outside the layers that reads as one of a layer",
      ("head.weight: {shape: [H], role: head}", "x.layers.0.norm.weight: {shape: [H], role: head}"),
      is: .noShadowedRule, line: 20, "tensors.x.layers.0.norm.weight",
      expected: "a name that is read as the tensor at tensors.x.layers.0.norm.weight (line 20)",
      found: "'x.layers.0.norm.weight', read as 'norm.weight'"),
    WrongTable(
      "a companion's name",
      ("prefix:", "companions: [scale]\nprefix:"), ("mlp.shared: {", "mlp.shared: {scale: [H], "),
      is: .noShadowedRule, line: 15, block + ".sparse.mlp.shared.weight",
      expected: "companions whose names no tensor has", found: "'mlp.shared.scale'"),
    WrongTable(
      "a letter of another size", ("[S * I, H]", "[h: S * I, i: H]"), is: .letters, line: 14,
      block + ".sparse.mlp.shared.weight", expected: "the letter of no other size, such as 'j: H'",
      found: "h, the letter of H"),
    WrongTable(
      "a letter without a formula", ("[S * I, H]", "[j: S * I, H]"), is: .letters, line: 14,
      block + ".sparse.mlp.shared.weight", expected: "letters that an index formula uses",
      found: "j and no formula"),
    WrongTable(
      "a size that nothing mentions", ("sizes: {", "sizes: {X: extra, "), is: .used, line: 2,
      "sizes.X", expected: "a size that shapes or conditions mention", found: "X in none"),
    WrongTable(
      "a flag that nothing mentions", ("flags: {", "flags: {more: true, "), is: .used, line: 3,
      "flags.more", expected: "a flag that a condition mentions", found: "more in none"),
    WrongTable(
      "factors of a group that there is not", ("prefix:", "lora: {fusd: lora_fused}\nprefix:"),
      is: .used, line: 5, "lora.fusd", expected: "the last component of a native group's name",
      found: "'fusd', which no group has"),
    WrongTable(
      "two sizes in one field", ("I: inner_size", "I: hidden_size"), is: .config, line: 2, "sizes",
      expected: "a config that is the same when it is written and read again",
      found: "two facts in one field"),
    WrongTable(
      "a size and a flag in one field", ("extra_bias: false", "extra_bias: {field: inner_size}"),
      is: .config, line: 2, "sizes", expected: "a config that can be read when it is written",
      found: "config field 'inner_size': expected a whole number, found "),
    WrongTable(
      "a shape that no sizes have",
      ("{shape: [H], role: norm}", "{shape: [H - 2 * H], role: norm}"), is: .config, line: 2,
      "sizes", expected: "sizes for which every shape has extents",
      found: "config field 'config.json': expected sizes from which the shape of 'norm.weight'"),
  ]
}

@Suite("The audit of layout tables")
struct LayoutAuditTests {
  @Test("Known tables are sound, in every native form", arguments: Layout.knownNames)
  func known(_ name: String) throws {
    let audit = try LayoutAudit(named: name)
    #expect(audit.findings.map(\.description) == [])
    #expect(audit.configCount >= 20)
  }

  @Test("The tiny table is sound")
  func tiny() throws {
    let audit = try LayoutAudit(text: TinyTable.text, name: "tiny")
    #expect(audit.findings.map(\.description) == [])
    #expect(audit.elementCount > 500)
  }

  @Test(
    "Each kind of fault is found, with line, field, expected and found", arguments: WrongTable.all)
  func wrong(_ table: WrongTable) throws {
    let text = try TinyTable.text(replacing: table.changes)
    let audit = try LayoutAudit(text: text, name: "tiny")
    let isFound = audit.findings.contains { finding in
      finding.demand == table.demand && finding.error.line == table.line
        && finding.error.field == table.field && finding.error.expected.hasPrefix(table.expected)
        && finding.error.found.contains(table.found)
    }
    #expect(
      isFound, "\(audit.findings.map { "\($0.demand.rawValue): \($0)" }.joined(separator: "\n"))")
  }

  @Test("Every demand is broken by some table")
  func demands() {
    #expect(Set(WrongTable.all.map(\.demand)) == Set(LayoutFinding.Demand.allCases))
  }

  @Test("A fault of one native form is said to be that form's")
  func natives() throws {
    let text = try TinyTable.text(replacing: [
      ("models:", "natives: [automodel, other]\nmodels:"),
      (
        "automodel: \"mlp.experts.down[e, i, h]\"",
        "automodel: \"mlp.experts.down[e, i, h]\", other: \"d[e, h, 2 * i]\""
      ),
    ])
    let findings = try LayoutAudit(text: text, name: "tiny").findings
    #expect(findings.map(\.demand) == [.complete])
    #expect(findings.map(\.native) == ["other"])
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors
import Testing

/// A change that makes the tiny table faulty, and the error it gives.
struct FaultyTable: Sendable, CustomTestStringConvertible {
  let old: String
  let new: String
  let line: Int?
  let field: String
  let expected: String
  let found: String

  init(
    _ old: String, _ new: String, line: Int?, _ field: String, expected: String, found: String
  ) {
    self.old = old
    self.new = new
    self.line = line
    self.field = field
    self.expected = expected
    self.found = found
  }

  var testDescription: String { "\(field): \(found)" }

  private static let yaml =
    "YAML, in which names that begin with '{' stand in quotes and no line has a tab"
  private static let block = "tensors.model.layers.{L}"
  private static let sparse = block + ".sparse.mlp.experts.{e}"

  static let all: [FaultyTable] = [
    // The text and the whole table.
    FaultyTable(
      "models: [tiny]", "models: [tiny", line: 2, "the text",
      expected: yaml,
      found: "a fault: did not find expected ',' or ']'"),
    FaultyTable(
      "models: [tiny]", "models: [tiny]\nmodels: [twice]", line: 1, "the text",
      expected: yaml, found: "a fault: the key models twice"),
    FaultyTable(
      "models: [tiny]", "modells: [tiny]", line: 1, "modells",
      expected: "'models', the nearest of 16", found: "'modells'"),
    FaultyTable(
      "models: [tiny]", "architecture: Tiny", line: nil, "models", expected: "this field",
      found: "no such field"),
    FaultyTable(
      "models: [tiny]", "models: [tiny]\nextends: nothing", line: 2, "extends",
      expected: "the name of a known table", found: "'nothing'"),
    FaultyTable(
      "models: [tiny]", "models: [tiny]\nnatives: []", line: nil, "natives",
      expected: "a native form", found: "none"),
    FaultyTable(
      "models: [tiny]", "models: {a: tiny}", line: 1, "models", expected: "a text",
      found: "a mapping"),
    // Sizes and flags.
    FaultyTable(
      "I: inner_size", "i: inner_size", line: 2, "sizes.i",
      expected: "uppercase letters other than L as a symbol", found: "'i'"),
    FaultyTable(
      "S: {", "L: {", line: 2, "sizes.L", expected: "uppercase letters other than L as a symbol",
      found: "'L'"),
    FaultyTable(
      "I: inner_size, ", "", line: nil, "sizes", expected: "a size I", found: "none"),
    FaultyTable(
      "least: 0", "most: 0", line: 2, "sizes.S.most",
      expected: "field, alias, default, least or in layers", found: "'most'"),
    FaultyTable(
      "least: 0", "least: few", line: 2, "sizes.S.least", expected: "a whole number",
      found: "'few'"),
    FaultyTable(
      "default: 1", "default: H +", line: 2, "sizes.S.default",
      expected: "a number or a size", found: "the end in 'H +'"),
    FaultyTable(
      "field: shared, ", "", line: 2, "sizes.S", expected: "a field", found: "a mapping"),
    FaultyTable(
      "I: inner_size", "I: {field: inner_size, in layers: {where: kinds}}", line: 2,
      "sizes.I.in layers",
      expected: "where: a list's field, is: a text of it, and field: the size's field or value: "
        + "a number; numbers: a field with numbers of layers, first: that of the first layer, and "
        + "field or value; or list: a field with a size for each layer",
      found: "a mapping"),
    FaultyTable(
      "I: inner_size", "I: {field: inner_size, in layers: {list: inner_sizes, value: 0}}", line: 2,
      "sizes.I.in layers",
      expected: "where: a list's field, is: a text of it, and field: the size's field or value: "
        + "a number; numbers: a field with numbers of layers, first: that of the first layer, and "
        + "field or value; or list: a field with a size for each layer",
      found: "a mapping"),
    FaultyTable(
      "I: inner_size",
      "I: {field: inner_size, in layers: {where: kinds, is: wide, value: some}}", line: 2,
      "sizes.I.in layers",
      expected: "where: a list's field, is: a text of it, and field: the size's field or value: "
        + "a number; numbers: a field with numbers of layers, first: that of the first layer, and "
        + "field or value; or list: a field with a size for each layer",
      found: "a mapping"),
    FaultyTable(
      "extra_bias: false", "extra_bias: no", line: 3, "flags.extra_bias",
      expected: "true or false", found: "'no'"),
    FaultyTable(
      "extra_bias: false", "extra_bias: {value: true}", line: 3, "flags.extra_bias.value",
      expected: "field or default", found: "'value'"),
    // Layers.
    FaultyTable(
      "sparse: {from: dense_layers}", "sparse: {since: dense_layers}", line: 4, "layers.sparse",
      expected: "all, {from: field}, {kinds: field, named: {..}}, {except: field, step: field} or "
        + "{only: field}", found: "a mapping"),
    FaultyTable(
      "sparse: {from: dense_layers}", "sparse: {kinds: types, named: {wide: w, narrow: n}}",
      line: 4,
      "layers.sparse", expected: "kinds: a field, and named: {sparse: texts, name: texts}",
      found: "a mapping"),
    FaultyTable(
      "on load: keep", "on load: lose", line: 4, "layers.mtp.on load", expected: "drop or keep",
      found: "'lose'"),
    FaultyTable(
      "count: mtp_layers, ", "", line: 4, "layers.mtp", expected: "a count", found: "a mapping"),
    FaultyTable(
      "count: num_hidden_layers", "number: num_hidden_layers", line: 4, "layers.number",
      expected: "count, sparse or mtp", found: "'number'"),
    // Tensors.
    FaultyTable(
      "model.layers.{L}", "model.layers", line: 7, "tensors",
      expected: "a mapping whose key ends in {L}", found: "none"),
    FaultyTable(
      "norm.weight: {shape: [H], role: norm}",
      "norm.weight: {shape: [H], role: norm}\n    mlp.gate.weight: [H]\n    mlp.gate.weight : [I]",
      line: 10, "the text", expected: yaml, found: "a fault: the key mlp.gate.weight twice"),
    FaultyTable(
      "role: norm", "role: norms", line: 9, block + ".norm.weight.role",
      expected: "'norm', the nearest of 11", found: "'norms'"),
    FaultyTable(
      "norm.weight: {shape: [H], role: norm}", "norm.weight: {shape: [H], rank: 3}", line: 9,
      block + ".norm.weight.rank",
      expected:
        "shape, native shape, crop, type, role, part, word, if, unless, cast or a native form",
      found: "'rank'"),
    FaultyTable(
      "norm.weight: {shape: [H], role: norm}", "norm.weight: {shape: [H], role: norm, crop: 1}",
      line: 9, block + ".norm.weight",
      expected:
        "a native shape beside a native name, and a type to cast to without indices, both in layers",
      found: "another tensor's"),
    FaultyTable(
      "norm.weight: {shape: [H], role: norm}", "norm.weight: {shape: [H], type: F31}", line: 9,
      block + ".norm.weight.type",
      expected: "'F32', the nearest of \(DType.allCases.count)", found: "'F31'"),
    FaultyTable(
      "norm.weight: {shape: [H], role: norm}", "norm.weight: H", line: 9, block + ".norm.weight",
      expected: "a mapping", found: "'H'"),
    FaultyTable(
      "norm.weight: {shape: [H], role: norm}", "norm.weight: {shape: H}", line: 9,
      block + ".norm.weight.shape", expected: "a list of dimensions", found: "'H'"),
    FaultyTable(
      "norm.weight: {shape: [H], role: norm}", "norm.weight: [X]", line: 9,
      block + ".norm.weight.0", expected: "a number or a size: one of E, H, I, S",
      found: "'X' in 'X'"),
    FaultyTable(
      "norm.weight: {shape: [H], role: norm}", "norm.weight: [jj: H]", line: 9,
      block + ".norm.weight.0", expected: "one lower-case letter and an extent",
      found: "a mapping"),
    FaultyTable(
      "norm.weight: {shape: [H], role: norm}", "norm.{weight: [H]", line: 9,
      block + ".norm.{weight",
      expected: "'}' after '{'", found: "'norm.{weight'"),
    FaultyTable(
      "norm.weight: {shape: [H], role: norm}", "norm.{X}.weight: [H]", line: 9,
      block + ".norm.{X}.weight",
      expected: "{e}, a layer block's {L} at the end, or alternatives such as {gate,up}",
      found: "'{X}'"),
    FaultyTable(
      "norm.weight: {shape: [H], role: norm}", "again.{L}: {norm.weight: [H]}", line: 9,
      block + ".again.{L}", expected: "one mapping of layers", found: "another"),
    FaultyTable(
      "if: extra_bias", "if: more_bias", line: 11, block + ".dense.mlp.bias.if",
      expected: "a number or a size: one of E, H, I, S", found: "'more_bias' in 'more_bias'"),
    FaultyTable(
      "if: S > 0", "if: S", line: 14, block + ".sparse.mlp.shared.if",
      expected: "a comparison such as '> 0' after a number", found: "the end in 'S'"),
    FaultyTable(
      "if: S > 0", "if: S > 0 and", line: 14, block + ".sparse.mlp.shared.if",
      expected: "a number or a size", found: "the end in 'S > 0 and'"),
    FaultyTable(
      "if: S > 0", "if: S > 0 & S < 9", line: 14, block + ".sparse.mlp.shared.if",
      expected: "names, numbers, and + - * / % ( ) == != < > <= >=",
      found: "'&' in 'S > 0 & S < 9'"),
    FaultyTable(
      "[S * I, H]", "[(S * I, H]", line: 14, block + ".sparse.mlp.shared.weight.0",
      expected: "')'", found: "the end in '(S * I'"),
    // Native places.
    FaultyTable(
      "part: gate, ", "", line: 16, sparse + ".gate.weight",
      expected: "a part: gate, up, down, or gate and up", found: "none"),
    FaultyTable(
      "part: gate, ", "part: left, ", line: 16, sparse + ".gate.weight.part",
      expected: "one of gate, up, down, gate and up", found: "'left'"),
    FaultyTable(
      "fused[e, h, i]", "fused[e, h, i", line: 16, sparse + ".gate.weight",
      expected: "']' at the end", found: "'mlp.experts.fused[e, h, i'"),
    FaultyTable(
      "fused[e, h, i]", "fused[h, i]", line: 16, sparse + ".gate.weight",
      expected: "each index of the shape once, and e", found: "'mlp.experts.fused[h, i]'"),
    FaultyTable(
      "fused[e, h, i]", "fused[e, h, h]", line: 16, sparse + ".gate.weight",
      expected: "each index of the shape once, and e", found: "'mlp.experts.fused[e, h, h]'"),
    FaultyTable(
      "fused[e, h, i]", "fused[e, h, k]", line: 16, sparse + ".gate.weight",
      expected: "a sum such as 'I + i' or '2 * i + 1' with one of the letters e, h, i",
      found: "'k'"),
    FaultyTable(
      "fused[e, h, i]", "fused[e, h, 0 * i]", line: 16, sparse + ".gate.weight",
      expected: "a sum such as 'I + i' or '2 * i + 1' with one of the letters e, h, i",
      found: "'0*i'"),
    FaultyTable(
      "fused[e, h, I + i]", "fused[e, h, X + i]", line: 17, sparse + ".up.weight",
      expected: "a number or a size: one of E, H, I, S", found: "'X' in ' X + i'"),
    FaultyTable(
      "fused[e, h, i]", "fused[e, h, (I + i) % (3 * I)]", line: 16, sparse + ".gate.weight",
      expected: "halves exchanged, such as '(I + j) % (2 * I)'", found: "'(I+i)%(3*I)'"),
    FaultyTable(
      "norm.weight: {shape: [H], role: norm}",
      "norm.weight: {shape: [H], role: norm, native shape: [1, H]}", line: 9,
      block + ".norm.weight",
      expected:
        "a native shape beside a native name, and a type to cast to without indices, both in layers",
      found: "another tensor's"),
    FaultyTable(
      "head.weight: {shape: [H], role: head}", "head.weight: {shape: [H], cast: F32}", line: 20,
      "tensors.head.weight",
      expected:
        "a native shape beside a native name, and a type to cast to without indices, both in layers",
      found: "another tensor's"),
    FaultyTable(
      "head.weight: {shape: [H], role: head}",
      "head.weight: {shape: [H], automodel: {a: 1, b: H - 1}}", line: 20, "tensors.head.weight",
      expected: "pieces of one tensor in layers, of its shape and type and not of experts",
      found: "another tensor's"),
    FaultyTable(
      "norm.weight: {shape: [H], role: norm}", "norm.weight: {shape: [H], automodel: {a: H}}",
      line: 9, block + ".norm.weight.automodel",
      expected: "two native names or more, each with its rows", found: "a mapping"),
    FaultyTable(
      "models: [tiny]", "models: [tiny]\ncast all: {F31: BF16}", line: 2, "cast all.F31",
      expected: "a type to be asked for", found: "'F31'"),
    FaultyTable(
      "fused[e, h, I + i]", "fused[h, e, I + i]", line: 17, sparse + ".up.weight",
      expected:
        "as many indices, the same one for experts, and the same cast as in the other parts of "
        + "'mlp.experts.fused', and all of single experts or none", found: "others"),
    FaultyTable(
      "head.weight: {shape: [H], role: head}", "head.weight: {shape: [H], automodel: \"x[h]\"}",
      line: 20, "tensors.head.weight", expected: "index formulas of tensors in layers only",
      found: "others"),
    FaultyTable(
      "head.weight: {shape: [H], role: head}", "head.weight: {shape: [H], automodel: tail.weight}",
      line: 20, "tensors.head.weight",
      expected: "native names of tensors in layers only; prefix: exchanges what others begin with",
      found: "'tail.weight'"),
    FaultyTable(
      "models: [tiny]", "models: [tiny]\norder: moved first", line: 2, "order",
      expected: "moved last, renamed last, or a start of names on disk and last",
      found: "'moved first'"),
    FaultyTable(
      "prefix: [model., \"\"]", "prefix: {model.: [a., b., c.]}", line: 5, "prefix.model.",
      expected: "the native start, or [the one on disk, the native one]", found: "a list"),
    FaultyTable(
      "prefix: [model., \"\"]", "prefix: {}", line: 5, "prefix", expected: "a start of names",
      found: "a mapping"),
    FaultyTable(
      "down.weight: {shape: [H, I]", "down.weight: {shape: [h: I, H]", line: 18,
      sparse + ".down.weight", expected: "letters of their own for dimensions, such as 'j: H'",
      found: "h twice"),
    FaultyTable(
      "\"{gate,up}.weight\": [I, H]",
      "\"{gate,up}.weight\": {shape: [I, H], automodel: \"{a,b,c}.weight\"}", line: 11,
      block + ".dense.mlp.{gate,up}.weight", expected: "as many native names as names", found: "3"),
    FaultyTable(
      "mtp: {extra.weight", "mtp: {norm.weight: [H], norm.weight2: [H], \"{a,a}.weight\"", line: 7,
      "tensors", expected: "each tensor once", found: "'a.weight' twice"),
  ]
}

@Suite("A faulty table gives line, field, expected and found")
struct FaultyTableTests {
  @Test("Each kind of fault", arguments: FaultyTable.all)
  func fault(_ fault: FaultyTable) throws {
    let text = try TinyTable.text(replacing: [(fault.old, fault.new)])
    let error = try #require(throws: LayoutError.self) { try Layout(text: text, name: "tiny") }
    #expect(
      error
        == LayoutError(
          table: "tiny", line: fault.line, field: fault.field, expected: fault.expected,
          found: fault.found))
  }

  @Test("The table without a change can be read")
  func sound() throws {
    #expect(try TinyTable.layout().tensors.count == 12)
  }

  @Test("An unknown table names the known ones, an unknown native form those of the table")
  func unknown() throws {
    let table = try #require(throws: LayoutError.self) { try Layout.named("hy_mt9") }
    #expect(table.found == "'hy_mt9'")
    #expect(table.expected == "'hy_mt2', the nearest of \(Layout.knownNames.count)")
    let form = try #require(throws: LayoutError.self) {
      try Layout.named("hy_v3", native: "torchtitan")
    }
    #expect(
      "\(form)"
        == "layout hy_v3: natives: expected automodel or transformers, found 'torchtitan'")
  }

  @Test("A fault in a member that a table adds to another's is one of the table that has it")
  func extending() throws {
    let text = "extends: hy_v3\n\nsizes:\n  X: {field: f, least: x}\n"
    let error = try #require(throws: LayoutError.self) { try Layout(text: text, name: "own") }
    #expect(
      error
        == LayoutError(
          table: "own", line: 4, field: "sizes.X.least", expected: "a whole number", found: "'x'"))
  }
}

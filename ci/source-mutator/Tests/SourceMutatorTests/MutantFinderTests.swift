// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Testing

@testable import SourceMutator

@Suite struct MutantFinderTests {
  @Test(
    "Each operator changes what it should",
    arguments: [
      ("let a = b + c", ["arithmetic: b + c -> b - c"]),
      ("let a = b &* c", ["arithmetic: b &* c -> b &+ c"]),
      ("let a = b * c + d", ["arithmetic: b * c + d -> b * c - d", "arithmetic: b * c -> b / c"]),
      ("let a = b < c", ["comparison: b < c -> b <= c"]),
      ("let a = b == c", ["comparison: b == c -> b != c"]),
      ("let a = b && c", ["logic: b && c -> b || c"]),
      ("let a = !b", ["negation: !b -> b"]),
      ("let a = 0", ["integer: 0 -> 1"]),
      ("let a = 1", ["integer: 1 -> 0"]),
      ("let a = 64", ["integer: 64 -> (64 + 1)"]),
      ("let a = true", ["boolean: true -> false"]),
      ("let a = b..<c", ["range: b..<c -> b..<(c) + 1"]),
      ("let a = b...c", ["range: b...c -> b...(c) - 1"]),
      ("let a = b ?? c", ["fallback: b ?? c -> c"]),
      ("let a = min(b, c)", ["twin: min(b, c) -> max(b, c)"]),
      ("let a = b.first", ["twin: b.first -> b.last"]),
      ("let a = b.hasPrefix(c)", ["twin: b.hasPrefix(c) -> b.hasSuffix(c)"]),
      ("let a: B = .rows", ["twin: .rows -> .columns"]),
      ("let a = \"mlp.\"", ["text: \"mlp.\" -> \"_mlp.\""]),
      ("let a = \"]\"", ["text: \"]\" -> \"_\""]),
      ("func f() { g() }", ["removal: g() -> "]),
      ("func f() { try g() }", ["removal: try g() -> "]),
      ("func f() { a = b }", ["removal: a = b -> "]),
      ("func f() { a += b }", ["arithmetic: a += b -> a -= b", "removal: a += b -> "]),
      ("let a = b ? c : d", ["condition true: b -> true", "condition false: b -> false"]),
      (
        "func f() { if a { return } }",
        ["condition true: a -> true", "condition false: a -> false"]
      ),
      ("func f() { if let a { return } }", ["condition false: let a -> false"]),
      ("func f() { while a { } }", ["condition false: a -> false"]),
      (
        "func f() { guard let a, b else { return } }",
        ["condition true: b -> true", "condition false: let a, b -> false"]
      ),
      (
        "func f() { for a in b where c { } }",
        ["condition true: c -> true", "condition false: c -> false"]
      ),
    ])
  func changesWhatItShould(_ text: String, _ expected: [String]) {
    #expect(changes(in: text) == expected)
  }

  @Test(
    "Messages, hints and what must be constant stay as they are",
    arguments: [
      "func f() { let a = g(expected: \"a number\", found: \"\\(b + 1)\") }",
      "let a = PlanFault(kind, name, \"no \" + \"move\")",
      "struct S { var description: String { \"a\" + b } }",
      "func describe(_ value: Int) -> String { \"a\" }",
      "func f() { a.reserveCapacity(b + 1) }",
      "func f() { precondition(a < b, \"text\") }",
      "enum E: String { case a = \"a\" }",
      "let a = UInt8(ascii: \".\")",
      "let a = \"a\" + b",
      "let a = [b] + c",
      "init() { self.a = a }",
      "func f() -> Int { g() }",
      "func f() -> Int { switch a { case .b: g() } }",
      "let a = { g() }",
      "var a: Int { g() }",
      "@available(macOS 14, *) func f() {}",
      "func f() { switch a { case 1: break } }",
    ])
  func staysAsItIs(_ text: String) {
    let found = changes(in: text).filter { !$0.hasPrefix("text: \"a\"") }
    #expect(found == [])
  }

  @Test("A report may be left out, but its words do not change")
  func reports() {
    #expect(
      changes(in: "func f() { plan.reportMissing(name, \"no \" + \"key\") }")
        == ["removal: plan.reportMissing(name, \"no \" + \"key\") -> "])
  }

  @Test("A mutant's key does not change when lines move, and tells twins apart")
  func keys() {
    let text = "struct S { func f(a: Int) -> Bool { a < 1 || a < 1 } }"
    let mutants = MutantFinder.file("A.swift", text).mutants
    let moved = MutantFinder.file("A.swift", "\n// A comment.\n\n" + text).mutants
    #expect(mutants.map(\.key) == moved.map(\.key))
    #expect(Set(mutants.map(\.key)).count == mutants.count)
    #expect(mutants.map(\.line) != moved.map(\.line))
    #expect(mutants.allSatisfy { $0.function == "S.f(a:)" })
  }
}

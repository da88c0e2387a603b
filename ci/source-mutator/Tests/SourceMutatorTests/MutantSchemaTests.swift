// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Testing

@testable import SourceMutator

@Suite struct MutantSchemaTests {
  @Test(
    "Every mutant is one branch, and the last is the text as it was",
    arguments: [
      ("let a = b < c", "let a = (mutated(1) ? (b <= c) : b < c)"),
      (
        "let a = b < c + d",
        "let a = (mutated(1) ? (b <= c + d) : b < (mutated(2) ? (c - d) : c + d))"
      ),
      ("func f() { g() }", "func f() { if !mutated(1) { g() } }"),
      (
        "func f() { a += b }",
        "func f() { if mutated(1) { a -= b } else if !mutated(2) { a += b } }"
      ),
      (
        "func f() { guard let a = b else { return } }",
        "func f() { guard let a = b, !mutated(1) else { return } }"
      ),
      (
        "func f() { if a { return } }",
        "func f() { if (mutated(1) ? (true) : a), !mutated(2) { return } }"
      ),
    ])
  func branches(_ text: String, _ expected: String) {
    #expect(schema(text) == expected)
  }

  @Test("A file without any of its mutants is the file")
  func withoutMutants() {
    let text = """
      // A comment with ä.
      func f(_ a: Int) -> Int {
        guard a < 1, let b = g(a + 1) else { return 0 }
        b += 1
        h()
        return b ?? a
      }

      """
    let count = MutantFinder.file("A.swift", text).mutants.count
    #expect(count > 8)
    #expect(schema(text, without: Set(1...count)) == text)
  }

  @Test("A mutant that the compiler refuses is given up, and no other")
  func culprits() {
    let catalog = catalog("let a = b < 2\nlet c = d.rows * 3\n")
    let text = catalog.text(without: [])
    let place = text.firstRange(of: "d.columns").map {
      text.distance(from: text.startIndex, to: $0.lowerBound)
    }
    let line = text.split(separator: "\n")[1]
    let column = (place ?? 0) - text.distance(from: text.startIndex, to: line.startIndex) + 1
    let errors = CompilerError.all(
      in:
        "warning: other\n/tmp/x/Sources/A.swift:2:\(column): error: value has no member 'columns'\n"
    )
    let keys = catalog.culprits(errors, without: [])
    #expect(keys == catalog.mutants.filter { $0.changed == "d.columns" }.map(\.key))
    #expect(keys.count == 1)
    #expect(!catalog.text(without: Set(keys)).contains("columns"))
  }

  @Test("Where an expression is too long for the compiler, half of its mutants are given up")
  func tooComplex() {
    let catalog = catalog("let a = [1, 2, 3, 4]\n")
    let column = "import SourceMutants let a = [".count + 1
    let message = "the compiler is unable to type-check this expression in reasonable time"
    let errors = CompilerError.all(in: "/x/Sources/A.swift:1:\(column): error: \(message)\n")
    #expect(catalog.culprits(errors, without: []).count == 2)
  }

  @Test("An error that no mutant made has no culprit")
  func noCulprit() {
    let errors = CompilerError.all(in: "/x/Sources/Other.swift:1:1: error: no such module\n")
    #expect(catalog("let a = 1").culprits(errors, without: []) == [])
  }
}

extension MutantCatalog {
  /// The text of its one file with the mutants that are left.
  fileprivate func text(without dropped: Set<String>) -> String {
    schemas(without: dropped).map { String(decoding: $0.schema.text, as: UTF8.self) }.joined()
  }
}

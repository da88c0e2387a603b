// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

@testable import SourceMutator

/// The changes of a text, as `operator: original -> changed`.
func changes(in text: String) -> [String] {
  MutantFinder.file("A.swift", text).mutants.map {
    "\($0.operation.rawValue): \($0.original) -> \($0.changed)"
  }
}

/// The text with all mutants, without the import before it.
func schema(_ text: String, without dropped: Set<Int> = []) -> String {
  let schema = MutantSchema(MutantFinder.file("A.swift", text), numberedFrom: 1, without: dropped)
  return String(
    String(decoding: schema.text, as: UTF8.self).dropFirst("import SourceMutants ".count))
}

/// A catalog of one file.
func catalog(_ text: String, path: String = "Sources/A.swift") -> MutantCatalog {
  MutantCatalog(files: [MutantFinder.file(path, text)])
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Testing

@Suite("No code names a part of a model's layout")
struct LayoutWordsTests {
  /// Parts of names on disk and in native forms.
  static let words = [
    "mlp.experts", "gate_and_up_projs", "gate_up_proj", "down_projs", "e_score_correction_bias",
    "shared_mlp", "shared_experts.", "shared_expert.", "share_expert", "router.gate", "router_bias",
    "block_sparse_moe", "self_attn", "eh_proj", "lm_head", "embed_tokens", "layernorm",
    "shared_head",
  ]

  /// Words that count where no letter, digit or underscore is beside them.
  static let wholeWords = ["expert_bias", "enorm", "hnorm"]

  /// Files that may name parts, each with its reason.
  static let exceptions: [(path: String, reason: String)] = [
    ("Sources/ExampleAdapter/", "an example, with a fault of one family"),
    (
      "Sources/ExternalAdapters/Protocol/ProtocolRequest.swift",
      "`expert_bias` is a member of the adapter protocol"
    ),
    ("Sources/Layouts/Tables/", "tables"),
    ("Generators/configs/", "configs"),
    ("Generators/python/tests/", "tests"),
    ("Generators/python/examples/", "examples"),
    ("Generators/python/tools/", "tools that make fixtures of one family"),
    ("Generators/python/hymt2/numpy_adapter.py", "written from the docs on purpose"),
    ("Generators/python/hymt2/numpy_refusals.py", "written from the docs on purpose"),
    ("Generators/python/hymt2/mutants/", "mutants of upstream's source"),
  ]

  /// The source files of a folder, by their paths in the repository.
  private static func sources(_ folder: String) throws -> [String] {
    let path = Repository.path.appending(path: folder).path(percentEncoded: false)
    return try FileManager.default.subpathsOfDirectory(atPath: path)
      .filter { $0.hasSuffix(".swift") || $0.hasSuffix(".py") }
      .filter { !$0.contains(".venv/") }.map { "\(folder)/\($0)" }.sorted()
  }

  private static func findings(_ file: String) throws -> [String] {
    let text = Array(try Repository.text(file).utf8)
    let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    return lines.enumerated().flatMap { number, line in
      let found =
        words.filter { Self.has($0, in: line, isWhole: false) }
        + wholeWords.filter { Self.has($0, in: line, isWhole: true) }
      return found.map { "\(file):\(number + 1): '\($0)'" }
    }
  }

  /// Whether a word is in a line.
  private static func has(_ word: String, in line: ArraySlice<UInt8>, isWhole: Bool) -> Bool {
    let word = Array(word.utf8)
    guard let first = word.first, line.count >= word.count else { return false }
    func isLetter(_ position: Int) -> Bool {
      guard line.indices.contains(position) else { return false }
      let character = Character(UnicodeScalar(line[position]))
      return character.isLetter || character.isNumber || character == "_"
    }
    return (line.startIndex...line.endIndex - word.count).contains { start in
      let end = start + word.count
      return line[start] == first && line[start..<end].elementsEqual(word)
        && (!isWhole || !isLetter(start - 1) && !isLetter(end))
    }
  }

  @Test(
    "Sources, Generators and tools, but for the exceptions",
    arguments: ["Sources", "Generators", "ci/tools"])
  func words(_ folder: String) throws {
    let files = try Self.sources(folder)
    let excepted = Self.exceptions.map(\.path)
    let checked = files.filter { file in !excepted.contains { file.hasPrefix($0) } }
    if folder == "Sources" { #expect(checked.count > 200) }
    for file in checked {
      for finding in try Self.findings(file) { Issue.record("\(finding)") }
    }
  }

  @Test("Each exception is one: it has such a name, or it is gone")
  func exceptions() throws {
    for (path, reason) in Self.exceptions where path.hasSuffix(".swift") || path.hasSuffix(".py") {
      #expect(try !Self.findings(path).isEmpty, "\(path): \(reason)")
    }
  }
}

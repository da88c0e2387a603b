// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Foundation
import Layouts
import Tensors
import Testing

@Suite("Exclusion patterns match what Python's re.match matches")
struct RegexReferenceTests {
  /// The table that `python3 -m hymt2 regex-reference` prints.
  private struct Reference: Decodable {
    struct Case: Decodable {
      let pattern: String
      let valid: Bool
      let matches: [Int]?
    }

    let names: [String]
    let cases: [Case]
  }

  /// Where Swift's engine lacks Python's syntax, and the pattern is refused.
  private static let refused = [
    #"(?a)model\.layers\.\d+\.mlp\.expert_bias: refused"#, #".*(?<=experts\.)1: refused"#,
    #".*(?<!mlp\.)gate: refused"#, #"(base_)?model\.(?(1)model|layers): refused"#,
  ]

  /// Where both engines accept a pattern and disagree: only on names that are not ASCII, or that
  /// have a carriage return.
  private static let unlike = [
    #"[\w.]+$ on "model.layers.\u{0661}.mlp.expert_bias""#,
    #"(?i)model\.layers on "model.layer\u{017F}.0""#,
    #"(?i)[a-z]_proj on "\u{212A}_proj.weight""#, #"model.\s\.norm on "model\r\n.norm""#,
  ]

  /// What Swift's engine accepts beyond Python's syntax.
  private static let accepted = ["(?<name>model)", #"\p{L}"#, "model(?i)"]

  private static func reference() throws -> Reference {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let path = root.appending(path: "Generators/python/data/regex-reference.json")
    return try JSONDecoder().decode(Reference.self, from: Data(contentsOf: path))
  }

  private static func escaped(_ name: String) -> String {
    name.unicodeScalars.map { $0.escaped(asASCII: true) }.joined()
  }

  @Test("Every pattern of the table matches the same names, but for known exceptions")
  func sameNames() throws {
    let reference = try Self.reference()
    #expect(reference.cases.count > 80)
    var differences: [String] = []
    for entry in reference.cases where entry.valid && !entry.pattern.isEmpty {
      let pattern: ExclusionPattern?
      do {
        pattern = try ExclusionPattern(entry.pattern)
      } catch {
        differences.append("\(entry.pattern): refused")
        continue
      }
      let expected = Set(entry.matches ?? [])
      for (index, name) in reference.names.enumerated()
      where pattern?.matches(TensorName(name)) != expected.contains(index) {
        differences.append("\(entry.pattern) on \"\(Self.escaped(name))\"")
      }
    }
    #expect(Set(differences) == Set(Self.refused + Self.unlike))
  }

  @Test("Every pattern that Python refuses is refused, but for known extensions")
  func sameRefusals() throws {
    var accepted: [String] = []
    for entry in try Self.reference().cases where !entry.valid {
      if (try? ExclusionPattern(entry.pattern)) != nil { accepted.append(entry.pattern) }
    }
    #expect(accepted == Self.accepted)
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors
import Testing

@Suite("Errors of the adapters are readable")
struct AdapterErrorTests {
  private static func problems(_ count: Int) -> [Problem] {
    (0..<count).map {
      Problem(.missingTensor, "layer.\($0)", expected: "[2, 3]", found: "no such key")
    }
  }

  @Test("The cause comes first, then three problems of each kind, then where all are")
  func limit() {
    let error = AdapterError(Self.problems(23), cause: "all are missing")
    let lines = error.description.split(separator: "\n")
    #expect(lines.prefix(2) == ["all are missing", "23 problems in the state dict:"])
    #expect(lines.count == 7)
    #expect(lines[2] == "  missing tensor: 'layer.0': expected [2, 3], found no such key")
    #expect(lines.suffix(2) == ["  missing tensor, in all 23:", "    layer.{0-22} (23)"])
    #expect(error == AdapterError(Self.problems(23)))
    let one = AdapterError(Self.problems(1)).description.split(separator: "\n")
    #expect(one.first == "1 problem in the state dict:")
    #expect(one.count == 2)
  }

  @Test("A key with a line break cannot pose as a message of its own")
  func lineBreaks() {
    let finding = Problem(
      .unknownExpertKey, "a\n✔ all is well\r\u{2028}b", expected: "x", found: "y")
    let lines = finding.description.split(whereSeparator: \.isNewline)
    #expect(lines.count == 1)
    #expect(finding.description.contains("a\\n✔ all is well\\r\\u{2028}b"))
  }
}

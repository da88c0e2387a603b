// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Testing

@testable import Campaigns

@Suite("Changed texts of a config")
struct ConfigTextTests {
  private static let mutator: ConfigMutator? = TestConfig.small.map {
    ConfigMutator(Array(ConfigText($0).bytes), of: $0)
  }

  @Test("None crashes, and each refusal says where the fault is")
  func places() throws {
    let mutator = try #require(Self.mutator)
    var (accepted, refused) = (0, 0)
    for number in 0..<600 {
      let text = mutator.mutant(UInt64(number), seed: 0)
      let outcome = ConfigTrial().judge(text)
      #expect(outcome.saysWhere, "text \(number): \(outcome)")
      if case .refused = outcome { refused += 1 } else { accepted += 1 }
    }
    #expect(refused > 300)
    #expect(accepted > 10)
  }

  @Test("A refusal without a place is seen as such")
  func placeless() {
    #expect(!ConfigTrial.Outcome.refused(field: "", "no").saysWhere)
    #expect(!ConfigTrial.Outcome.refused(field: "config.json", "something is wrong").saysWhere)
    #expect(ConfigTrial.Outcome.refused(field: "num_experts", "too many").saysWhere)
  }

  @Test("The text of a number is the same every time, and others differ")
  func numbers() throws {
    let mutator = try #require(Self.mutator)
    let texts = (0..<50).map { mutator.mutant(UInt64($0), seed: 1) }
    #expect(texts == (0..<50).map { mutator.mutant(UInt64($0), seed: 1) })
    #expect(Set(texts).count > 40)
  }
}

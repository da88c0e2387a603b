// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Tensors
import Testing

@testable import AdapterLaws
@testable import PlantedFaults

@Suite("The keys that isMTPKey is asked about")
struct AskedKeyTests {
  @Test("What is expected of them is what upstream's regular expression says")
  func upstream() throws {
    for prefix in [ModelPrefix.model, .none] {
      let spec = try SmallSpec.make(sparseLayers: 2, prefix: prefix)
      for key in spec.askedKeys {
        let match = key.name.text.prefixMatch(of: /(?:model\.)?layers\.(\d+)\./)
        let number = match.flatMap { Int($0.1) }
        #expect(key.isMTP == (number ?? -1 >= 3), "'\(key.name)'")
      }
    }
  }

  @Test("They are asked about once each, and of each form there are some")
  func forms() throws {
    for prefix in ModelPrefix.allCases {
      let keys = try SmallSpec.make(prefix: prefix).askedKeys
      #expect(Set(keys.map(\.name)).count == keys.count, "\(prefix)")
      let forms = Set(keys.map(\.form))
      #expect(forms == [.plain, .otherModule, .noNumber, .leadingZeros, .twoNumbers])
    }
  }

  @Test("Another prefix is told from another number, and what a bound misses is told once")
  func diagnosis() throws {
    func said(_ isMTP: @escaping @Sendable (String) -> Bool) throws -> [String] {
      let adapter = FaultyAdapter(isMTPKey: { name, _ in isMTP(name.text) })
      let violation = Violation(.isMTPKey, step: .isMTPKey, "nothing is wrong")
      return try Diagnosis.of(violation, SmallSpec.make(), adapter).findings.map(\.sentence)
    }
    @Sendable func number(_ key: String) -> Int? {
      key.prefixMatch(of: /(?:model\.)?layers\.(\d+)\./).flatMap { Int($0.1) }
    }
    let nothing = try said { number($0) ?? 0 >= 2 }
    #expect(nothing == ["elements of any value go where they belong, and yet: nothing is wrong"])
    let prefix = try said { $0.hasPrefix("model.") && number($0) ?? 0 >= 2 }
    #expect(
      prefix == [
        "isMTPKey says no to keys of MTP layers 2, 3 and 30 under one prefix and not another, such as "
          + "'layers.2.input_layernorm.weight'; look at what a key may begin with"
      ])
    let bound = try said { number($0) ?? 0 >= 3 }
    #expect(
      bound == [
        "isMTPKey says no to keys of MTP layer 2; look at the comparison with num_hidden_layers"
      ])
  }
}

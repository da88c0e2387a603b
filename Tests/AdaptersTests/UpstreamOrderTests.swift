// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors
import Testing

@Suite("The adapter gives what nemo-automodel's gives, in the same order")
struct UpstreamOrderTests {
  private let cases: [UpstreamFixture.Case]

  init() throws {
    cases = try UpstreamFixture.load().cases
  }

  /// Upstream throws scales of this name away; here they are carried along.
  private func withoutInverseScales(_ stateDict: StateDict) -> StateDict {
    stateDict.filter { !$0.text.hasSuffix("_scale_inv") }
  }

  /// Upstream writes experts under `model.` whatever the prefix was; here it is kept.
  private func withPrefixKept(_ back: StateDict, _ prefix: String) throws -> StateDict {
    try StateDict(
      back.map { name, tensor in
        guard name.text.hasPrefix("model.layers."), name.text.contains(".mlp.experts.") else {
          return (name, tensor)
        }
        return (TensorName(prefix + name.text.dropFirst("model.".count)), tensor)
      })
  }

  @Test("The fixture holds every kind of case")
  func fixtureIsWhole() {
    #expect(cases.count >= 44)
    #expect(Set(cases.map(\.name)).count == cases.count)
    #expect(Set(cases.map(\.sizes.prefix)).count == ModelPrefix.allCases.count)
  }

  @Test("From disk to native form: keys, order, types, shapes and bits are upstream's")
  func fromHF() throws {
    for example in cases {
      let adapter = try StateDictAdapter(config: example.config(), options: example.options())
      let native = try adapter.fromHF(example.inputStateDict())
      let difference = try firstDifference(
        withoutInverseScales(native), example.nativeStateDict())
      #expect(difference == nil, "\(example.name)")
    }
  }

  @Test("Back to disk: keys, order, types, shapes and bits are upstream's")
  func toHF() throws {
    for example in cases {
      let adapter = try StateDictAdapter(config: example.config(), options: example.options())
      let native = try example.nativeStateDict()
      let expected = try withPrefixKept(example.backStateDict(), example.sizes.prefix)
      let back = try adapter.toHF(native, excluding: example.exclude ?? "")
      let difference = firstDifference(back, expected)
      #expect(difference == nil, "\(example.name)")
    }
  }

  @Test("Tensors converted one by one are those of the whole, in order")
  func streaming() throws {
    for example in cases {
      let adapter = try StateDictAdapter(config: example.config(), options: example.options())
      let expected = try withPrefixKept(example.backStateDict(), example.sizes.prefix)
      let streamed = try StateDict(
        example.nativeStateDict().flatMap { name, tensor in
          try adapter.convertSingleTensorToHF(name, tensor, excluding: example.exclude ?? "")
            .map { ($0.name, $0.tensor) }
        })
      let difference = firstDifference(streamed, expected)
      #expect(difference == nil, "\(example.name)")
    }
  }
}

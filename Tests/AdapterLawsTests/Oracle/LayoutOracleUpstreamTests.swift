// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors
import Testing

@testable import AdapterLaws

@Suite("The oracle says what nemo-automodel does")
struct LayoutOracleUpstreamTests {
  private let cases: [UpstreamCase]

  init() throws {
    cases = try UpstreamCase.load()
    #expect(cases.count >= 44)
  }

  @Test("From disk to native form, but for inverse scales, which upstream throws away")
  func native() throws {
    for example in cases {
      let oracle = LayoutOracle(try example.spec())
      let native = oracle.native(of: try example.inputStateDict())
      let mismatch = Mismatch(
        expected: try example.stateDict(example.native),
        found: native.filter { !$0.text.hasSuffix("_scale_inv") })
      #expect(mismatch?.description == nil, "\(example.name)")
    }
  }

  @Test("Back to disk, but for the prefix of experts, which upstream makes 'model.'")
  func onDisk() throws {
    for example in cases where example.exclude == nil {
      let oracle = LayoutOracle(try example.spec())
      let found = oracle.onDisk(of: try example.stateDict(example.native))
      let mismatch = Mismatch(
        expected: try example.stateDict(example.back),
        found: try withUpstreamsPrefix(found, example.sizes.prefix))
      #expect(mismatch?.description == nil, "\(example.name)")
    }
  }

  private func withUpstreamsPrefix(_ found: StateDict, _ prefix: String) throws -> StateDict {
    try StateDict(
      found.map { name, tensor in
        guard name.text.hasPrefix("\(prefix)layers."), name.text.contains(".mlp.experts."),
          !name.text.contains("lora"), !name.text.hasSuffix("scale")
        else { return (name, tensor) }
        return (TensorName("model.\(name.text.dropFirst(prefix.count))"), tensor)
      })
  }
}

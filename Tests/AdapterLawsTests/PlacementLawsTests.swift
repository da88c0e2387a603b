// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import CheckpointGenerators
import PlantedFaults
import Tensors
import Testing

@Suite("Laws about where elements go")
struct PlacementLawsTests {
  private func violation(_ name: String, _ spec: CheckpointSpec) throws -> Violation? {
    let adapter = FaultyAdapter(nativeOut: { dict, _ in
      try dict.editing("down_projs") { try $0.mappingBits { $0 ^ 1 } }
        .editing("final_layernorm") { try $0.mappingBits { $0 ^ 1 } }
        .editing("model.norm.") { try $0.mappingBits { $0 ^ 1 } }
    })
    let law = try #require(Laws.named(name))
    guard case .broken(let violation) = law.verdict(on: CheckpointUnderTest(spec, adapter)) else {
      return nil
    }
    return violation
  }

  @Test("A law names the tensors that break it, not those that break another")
  func places() throws {
    let isCast = try SmallSpec.make(
      types: SourceTypes(experts: .f32), contents: TensorContents(.tracer(digit: 0)))
    #expect(try violation("elements", isCast)?.place == "norm")
    #expect(try violation("rounding", isCast)?.place == "down")
    let isKept = try SmallSpec.make(contents: TensorContents(.tracer(digit: 0)))
    #expect(try violation("elements", isKept)?.place == "down")
    #expect(try violation("rounding", isKept)?.place == nil)
    #expect(try violation("keys", isKept)?.place == nil)
  }
}

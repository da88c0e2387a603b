// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import CheckpointGenerators
import Tensors
import Testing

@testable import Campaigns

@Suite("The smallest checkpoint that shows a planted fault")
struct SmallestCheckpointTests {
  /// The first failure of the law about elements.
  private func failure(
    _ edit: @escaping @Sendable (TensorName, Tensor) throws -> Tensor
  ) throws -> Failure {
    let law = try #require(Laws.named("elements"))
    let report = try CheckRun(EditingAdapter(edit: edit), laws: [law])
      .run(RunSettings(examples: 100))
    return try #require(report.failures.first)
  }

  private static func isExperts(_ name: TensorName) -> Bool { name.text.hasSuffix("_projs") }

  @Test("A lost sign of zero needs one expert of size 1, and nothing but -0.0")
  func negativeZero() throws {
    let failure = try failure { name, tensor in
      guard Self.isExperts(name), tensor.dtype == .bf16 else { return tensor }
      return try Tensor(.bf16, tensor.shape) {
        tensor.bits(at: $0) == 0x8000 ? 0 : tensor.bits(at: $0)
      }
    }
    let expected = """
      1 expert, hidden 1, inter 1, 1 layer (0 dense), 0 MTP, 0 shared; bf16 experts -> bf16; \
      keys in schema order; contents constant 2
      """
    #expect(failure.checkpoint == expected)
  }

  @Test("Experts sorted as strings need eleven, and no other order of keys")
  func sortedAsStrings() throws {
    let failure = try failure { name, tensor in
      guard Self.isExperts(name) else { return tensor }
      let count = tensor.shape[0]
      let order = (0..<count).sorted { "\($0)" < "\($1)" }
      let size = tensor.shape.elementCount / count
      return try Tensor(tensor.dtype, tensor.shape) {
        tensor.bits(at: order[$0 / size] * size + $0 % size)
      }
    }
    let expected = """
      11 experts, hidden 1, inter 1, 1 layer (0 dense), 0 MTP, 0 shared; bf16 experts -> bf16; \
      keys in schema order; contents tracer 0
      """
    #expect(failure.checkpoint == expected)
    #expect(
      failure.diagnosis == [
        "experts are in lexicographic order (10 before 2) when loading in layer 0; look for numbers "
          + "sorted as strings"
      ])
  }
}

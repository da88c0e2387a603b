// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Foundation
import Goldens
import OrderedCollections
import Tensors
import Testing

@Suite struct GoldenDiffTests {
  private let scratch: ScratchSet
  private let golden: GoldenCase

  init() throws {
    scratch = try ScratchSet()
    golden = try CommittedSet.read("lora")
  }

  private func set(of cases: [GoldenCase], _ name: String) throws -> GoldenSet {
    try GoldenSet(
      writing: cases, to: scratch.folder.appending(path: name).path, generator: "test")
  }

  @Test func aSetDoesNotDifferFromItself() throws {
    let set = try scratch.open()
    #expect(try GoldenDiff(old: set, new: set).isEmpty)
  }

  @Test func casesThatComeAndGoAreNamed() throws {
    let (old, new) = (try set(of: [golden], "old"), try set(of: [], "new"))
    #expect(try GoldenDiff(old: old, new: new).removed == ["lora"])
    #expect(try GoldenDiff(old: new, new: old).added == ["lora"])
  }

  @Test func oneElementIsShownAsOneElement() throws {
    let name = try #require(golden[.native].names.first)
    let changed = try StateDict(
      golden[.native].map { other, tensor in
        guard other == name else { return (other, tensor) }
        return (
          other, try Tensor(tensor.dtype, tensor.shape) { tensor.bits(at: $0) ^ ($0 == 2 ? 1 : 0) }
        )
      })
    var groups = golden.groups
    groups[.native] = changed
    let diff = try GoldenDiff(
      old: set(of: [golden], "old"),
      new: set(of: [GoldenCase(golden.description, groups)], "new"))
    let change = try #require(diff.changed.first)
    #expect(diff.changed.count == 1)
    #expect(!change.hasOtherDescription)
    #expect(change.mismatches.map(\.role) == [.native])
    #expect(change.mismatches.first?.mismatch.tensors.map(\.name) == [name])
    #expect(change.mismatches.first?.mismatch.tensors.first?.count == 1)
    #expect(change.causes == ["value.bitFlipped"])
    #expect(diff.cases(of: ["value.bitFlipped", "added"]) == ["lora"])
    #expect(diff.cases(of: ["added"]).isEmpty)
  }

  @Test func anotherOrderOfKeysIsADifference() throws {
    var groups = golden.groups
    groups[.hf] = try StateDict(golden[.hf].reversed().map { ($0.name, $0.tensor) })
    let diff = try GoldenDiff(
      old: set(of: [golden], "old"),
      new: set(of: [GoldenCase(golden.description, groups)], "new"))
    let order = diff.changed.first?.mismatches.first?.mismatch.order
    #expect(order != nil)
    #expect(diff.changed.first?.causes == ["keyOrder"])
  }
}

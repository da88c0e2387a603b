// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Testing

@testable import PropertyEngine

@Suite("Every shrink pass is needed") struct ShrinkPassTests {
  private let int = Generator<Int>.integer()

  /// Without the pass some seed ends elsewhere, or it takes half as many evaluations more.
  private func expectNeeded<Value: Sendable>(
    _ pass: ShrinkPass, _ ideal: String, _ generator: Generator<Value>, seeds: Int = 3,
    holds: @escaping @Sendable (Value) -> Bool
  ) {
    let with = minimal(generator, seeds: seeds, holds: holds)
    let without = minimal(generator, seeds: seeds, disabled: [pass], holds: holds)
    #expect(with.values == [ideal], "with \(pass)")
    let isWorse =
      without.values != [ideal] || without.evaluations * 10 > with.evaluations * 12 + 20
    #expect(isWorse, "without \(pass): \(without) and with it \(with)")
  }

  @Test("Deletion of discarded, trivial and other spans, and of what belongs to none")
  func deletion() {
    let large = Generator<Int>.integer(0...9).filter(tries: 12) { $0 > 4 }
    expectNeeded(.removeDiscarded, "[5, 5, 5, 5, 5, 9]", large.array(count: 6)) {
      $0[5] < 9
    }
    let grid = Generator<Int>.integer(1...9).array(count: 12).array(count: 12)
    let grids = grid.map { $0[11][11] }
    expectNeeded(.trivialSpans, "5", grids) { $0 < 5 }
    let ints = int.array()
    expectNeeded(
      .deleteSpans, "[100]", Generator<Int>.integer(0...200).array(count: 0...400, average: 100)
    ) { !$0.contains(100) }
    expectNeeded(.deleteChoices, "[[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]", ints.array()) {
      $0.joined().count <= 10
    }
  }

  @Test("Single values and equal ones")
  func values() {
    expectNeeded(.minimizeChoices, "1000", int) { $0 < 1000 }
    let pairs = zip(int, int).map { [$0.0, $0.1] }
    expectNeeded(.minimizeDuplicates, "[1000, 1000]", pairs) { $0[0] != $0[1] || $0[0] < 1000 }
  }

  @Test("Values that move together or in turn")
  func together() {
    let range = Generator<Int>.integer(0...200)
    let near = zip(range, range, range).map { [$0.0, $0.1, $0.2] }
    expectNeeded(.lowerCommonOffset, "[10, 9, 8]", near) {
      !($0[0] >= 10 && $0[0] == $0[1] + 1 && $0[1] == $0[2] + 1)
    }
    let positive = Generator<Int>.integer(1...Int.max, towards: 1)
    expectNeeded(.lowerTogether, "[10, 9]", zip(positive, positive).map { [$0.0, $0.1] }) {
      $0[0] < 10 || abs($0[0] - $0[1]) != 1
    }
    let bounded = Generator<Int>.integer(0...1000)
    expectNeeded(.redistribute, "[1, 1000]", zip(bounded, bounded).map { [$0.0, $0.1] }) {
      $0[0] + $0[1] <= 1000
    }
    expectNeeded(.reorderSpans, "[0, 1, -1]", int.array()) { Set($0).count < 3 }
  }

  @Test("Edits with repairs")
  func repairs() {
    let counted = Generator<Int>.integer(0...20).flatMap { [int] in int.array(count: $0) }
    expectNeeded(.lowerAndDelete, "[1, 1]", counted) {
      $0.count < 2 || $0.first == 0 || $0.last == 0
    }
    expectNeeded(.deleteAndRenumber, "[1, 0]", Generator<Int>.integer(0...10).array()) { list in
      list.contains { $0 >= list.count }
        || !list.indices.contains { list[$0] != $0 && list[list[$0]] == $0 }
    }
    let lists = zip(int.array(), int.array()).map { [$0.0, $0.1] }
    expectNeeded(.deleteAndNudge, "[[1], [0]]", lists) {
      $0[0].count != $0[1].count || $0[0].allSatisfy { $0 == 0 }
    }
  }

  @Test("Recursive values and alternatives")
  func alternatives() {
    let brackets = Generator<String>.recursive(base: Generator<Int>.integer(0...9).map { "\($0)" })
    { inner in zip(inner, inner).map { "(\($0.0)\($0.1))" } }
    expectNeeded(.passToDescendant, "(03)", brackets) { !$0.contains("3)") }
    let gated = Generator<[Int]> { source in
      let coin = Int(source.draw(.integer(0...100)))
      if coin < 50 { _ = source.draw(.integer(0...9)) }
      return [coin, Int(source.draw(.integer(0...9)))]
    }
    expectNeeded(.shortenByIncrement, "[50, 0]", gated) { _ in false }
    let number = int.map { "\($0)" }
    let text = zip(Generator<Bool>.boolean(), .ascii()).map { "\($0.0)" }
    // The simplest alternative passes: a middle one must be found.
    expectNeeded(.lowerAlternatives, "101", .oneOf(.constant("none"), number, text)) {
      $0 == "none" || (Int($0) ?? 101) <= 100
    }
    // What the lower alternative leaves open must be right at the same time.
    let detailed = zip(Generator<Int>.integer(0...4), Generator<Int>.integer(0...255))
      .map { [$0.0, $0.1] }
    expectNeeded(.lowerWithNext, "[0, 2]", detailed) { $0[0] == 0 && $0[1] % 32 != 2 }
    let wide = Generator<Int>.integer(0...100).flatMap { kind in
      kind < 50 ? number : Generator<String>.ascii().map { "text \($0)" }
    }
    expectNeeded(.mutateAndShrink, "101", wide) { (Int($0) ?? 101) <= 100 }
    let detail = Generator<Int>.integer(0...7)
    // Nothing leads from one failing triple to another but trying all.
    let record = zip(detail, detail, detail, detail.array(count: 21)).map { [$0.0, $0.1, $0.2] }
    expectNeeded(.exhaustFew, "[1, 4, 2]", record) {
      ![[6, 3, 5], [5, 5, 1], [1, 4, 2]].contains($0)
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Testing

@testable import PropertyEngine

/// What a property that fails shrinks to, on a few seeds.
func minimal<Value: Sendable>(
  _ generator: Generator<Value>, seeds: Int = 5, disabled: Set<ShrinkPass> = [],
  holds: @escaping @Sendable (Value) -> Bool
) -> (values: Set<String>, evaluations: Int) {
  let property = Property(generator) { value, _ in .holds(holds(value)) }
  var values: Set<String> = []
  var evaluations = 0
  for seed in 0..<seeds {
    var settings = Settings(examples: 20_000, seed: UInt64(seed))
    settings.mostFailures = 1
    settings.silenced = Set(HealthCheck.allCases)
    settings.disabledPasses = disabled
    guard let finding = property.run(settings).counterexamples.first, let choices = finding.choices
    else {
      values.insert("not found")
      continue
    }
    values.insert("\(property.replay(choices).value)")
    evaluations += finding.shrinking.evaluations
  }
  return (values, evaluations)
}

@Suite("Minimal examples") struct ShrinkingTests {
  private let int = Generator<Int>.integer()
  private var ints: Generator<[Int]> { int.array() }

  @Test("Integers: the bound, the sign and the side that is simpler")
  func integers() {
    #expect(minimal(int) { $0 < 1000 }.values == ["1000"])
    #expect(minimal(int) { $0 > -77 }.values == ["-77"])
    #expect(minimal(int) { abs($0 % 1_000_000) < 2 }.values == ["2"])
    #expect(minimal(.integer(-5...5000, towards: 100)) { $0 < 150 }.values == ["150"])
    #expect(minimal(Generator<UInt8>.integer(7...255)) { _ in false }.values == ["7"])
    #expect(minimal(Generator<UInt64>.integer()) { $0 < .max - 1 }.values == ["\(UInt64.max - 1)"])
    #expect(minimal(int) { $0 % 2 == 0 || $0 < 100 }.values == ["101"])
  }

  @Test("Lists: reversed, distinct, nested, sums, bounded lengths")
  func lists() {
    #expect(minimal(ints) { $0 == $0.reversed() }.values == ["[0, 1]"])
    #expect(minimal(ints) { Set($0).count < 3 }.values == ["[0, 1, -1]"])
    #expect(minimal(ints.array()) { $0.joined().count < 4 }.values == ["[[0, 0, 0, 0]]"])
    #expect(minimal(ints) { $0.reduce(0, &+) < 1000 }.values == ["[1000]"])
    #expect(minimal(int.array(count: 3...9)) { _ in false }.values == ["[0, 0, 0]"])
    #expect(minimal(int.array(count: 4)) { $0[2] < 9 }.values == ["[0, 0, 9, 0]"])
  }

  @Test("Values that depend on each other: a length first, an index after, equal lengths")
  func dependent() {
    let counted = Generator<Int>.integer(1...100).flatMap {
      Generator<Int>.integer(0...1000).array(count: $0)
    }
    #expect(minimal(counted) { ($0.max() ?? 0) < 900 }.values == ["[900]"])
    let small = Generator<Int>.integer(0...10)
    let indexed = minimal(zip(ints, small)) { $0.1 >= $0.0.count || $0.0[$0.1] == 0 }
    #expect(indexed.values == ["([1], 0)"])
    let equal = minimal(zip(ints, ints)) {
      $0.0.count != $0.1.count || $0.0.allSatisfy { $0 == 0 }
    }
    #expect(equal.values == ["([1], [0])"])
  }

  @Test(
    "Floats: the next integer, the simplest fraction, infinities, NaN, the greatest power of two")
  func floats() {
    let double = Generator<Double>.double()
    #expect(minimal(double) { !($0 > 1) }.values == ["2.0"])
    #expect(minimal(double) { !($0 > 0) }.values == ["1.0"])
    #expect(minimal(double) { !($0 > 7.3) }.values == ["8.0"])
    #expect(minimal(double) { !($0 < -2.5) }.values == ["-3.0"])
    #expect(minimal(double) { !$0.isFinite || $0 == $0.rounded() }.values == ["1.5"])
    #expect(minimal(double) { $0.isFinite }.values == ["inf"])
    #expect(minimal(double) { !$0.isNaN }.values == ["nan"])
    #expect(minimal(double) { !$0.isSignalingNaN }.values == ["snan"])
    #expect(
      minimal(Generator<Double>.double(-1e-165...1e-165)) { $0 == 0 }.values
        == ["\(Double(sign: .plus, exponent: -549, significand: 1))"])
    #expect(minimal(Generator<Double>.double(1.1...1.9)) { _ in false }.values == ["1.5"])
    let subnormal = minimal(Generator<Float>.float()) { !$0.isSubnormal }
    #expect(subnormal.values == ["\(Float(bitPattern: 0x40_0000))"])
    let zeros = minimal(Generator<UInt64>.bits(of: .bfloat16)) { $0 != 0x8000 }
    #expect(zeros.values == ["32768"])
  }

  @Test("Strings and bytes: shortest, then first in the alphabet")
  func symbols() {
    #expect(minimal(.ascii()) { $0.count < 3 }.values == ["000"])
    #expect(minimal(.ascii()) { !$0.contains("q") }.values == ["q"])
    #expect(
      minimal(.unicode()) { $0.unicodeScalars.allSatisfy { $0.value < 128 } }.values
        == ["\u{80}"])
    let bytes = Generator<[UInt8]>.bytes()
    #expect(minimal(bytes) { !$0.contains { $0 > 99 } }.values == ["[100]"])
    #expect(minimal(bytes) { $0.sorted() == $0 }.values == ["[1, 0]"])
  }

  @Test("Recursive values, alternatives and lists without repetition")
  func structures() {
    let nested = Generator<String>.recursive(base: .constant("x")) { inner in
      inner.array(count: 0...4).map { "(\($0.joined()))" }
    }
    #expect(minimal(nested) { $0.filter { $0 == "x" }.count < 2 }.values == ["(xx)"])
    let either = Generator<Int>.oneOf(.integer(0...10), .integer(500...1000, towards: 500))
    #expect(minimal(either) { $0 < 9 }.values == ["9"])
    let unique = Generator<Int>.integer(0...1000).uniqueArray(by: { $0 })
    #expect(minimal(unique) { $0.allSatisfy { $0 < 500 } }.values == ["[500]"])
    #expect(minimal(.element(of: ["a", "b", "c"])) { $0 == "a" }.values == ["b"])
    #expect(minimal(int.optional()) { $0 == nil }.values == ["Optional(0)"])
  }

  @Test("Shrinking stops at its limit and says so")
  func limits() {
    var settings = Settings(examples: 2000)
    settings.shrinkExecutions = 10
    let report = Property(ints.array()) { value, _ in .holds(value.joined().count < 30) }
      .run(settings)
    #expect(report.counterexamples.first?.shrinking.stoppedEarly == true)
    #expect(report.counterexamples.first.map { $0.shrinking.executions <= 10 } == true)
  }
}

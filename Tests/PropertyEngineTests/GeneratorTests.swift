// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Testing

@testable import PropertyEngine

@Suite("Generators") struct GeneratorTests {
  private let int = Generator<Int>.integer()

  private func samples<Value>(_ generator: Generator<Value>, _ count: Int = 300) -> [Value] {
    let source = Source()
    return (0..<count).map { index in
      source.begin(
        tail: .random, limit: 10_000, random: RandomStream(seed: 9, index: UInt64(index)))
      return generator.draw(source)
    }
  }

  /// In how many of 20 seeds 150 cases contain the event.
  private func seeds<Value: Sendable>(
    _ generator: Generator<Value>, _ happens: @escaping @Sendable (Value) -> Bool
  ) -> Int {
    (0..<20).count { seed in
      var settings = Settings(examples: 150, seed: UInt64(seed))
      settings.shrinkExecutions = 0
      settings.mostFailures = 1
      return !Property(generator) { value, _ in .holds(!happens(value)) }.run(settings)
        .counterexamples
        .isEmpty
    }
  }

  @Test("150 cases have the numbers and lists that break code")
  func discovery() {
    #expect(seeds(int) { $0 == .min } >= 10)
    #expect(seeds(int) { $0 == .max } >= 10)
    #expect(seeds(int) { (1...20).contains($0) } >= 10)
    #expect(seeds(Generator<UInt8>.integer()) { $0 == 255 } >= 10)
    #expect(seeds(zip(int, int)) { $0.0 == $0.1 } >= 10)
    #expect(seeds(int.array()) { Set($0).count < $0.count } >= 10)
    #expect(seeds(int.array()) { $0.count > 10 } >= 10)
    #expect(seeds(int.array()) { $0.count > 4 && $0.allSatisfy { $0 > 0 } } >= 10)
  }

  @Test("150 cases have the floats that break code, of every width")
  func floats() {
    for format in [FloatFormat.double, .float, .float16, .bfloat16, .float8E5M2, .float8E4M3] {
      let bits = Generator<UInt64>.bits(of: format)
      #expect(seeds(bits) { format.isNaN($0) } >= 10, "\(format)")
      #expect(seeds(bits) { $0 == format.signBit } >= 10, "\(format)")
      #expect(seeds(bits) { format.isSubnormal($0) } >= 10, "\(format)")
      #expect(seeds(bits) { format.integer($0).map { $0 > 1 } ?? false } >= 10, "\(format)")
      guard format.hasInfinity else { continue }
      #expect(seeds(bits) { format.isSignalling($0) } >= 10, "\(format)")
      #expect(seeds(bits) { format.isInfinite($0) } >= 10, "\(format)")
    }
    let payloads = Set(
      samples(Generator<UInt64>.bits(of: .float), 2000).filter { FloatFormat.float.isNaN($0) })
    #expect(payloads.count > 20)
  }

  @Test("Values stay within their ranges, lengths and classes")
  func bounds() {
    #expect(samples(Generator<Int8>.integer(-3...90)).allSatisfy { (-3...90).contains($0) })
    #expect(samples(Generator<Double>.double(0.1...0.2)).allSatisfy { (0.1...0.2).contains($0) })
    #expect(samples(Generator<Double>.double(classes: .finite)).allSatisfy { $0.isFinite })
    let plain = samples(Generator<Float>.float(classes: []))
    #expect(plain.allSatisfy { $0.isFinite && !$0.isSubnormal && $0.bitPattern != 0x8000_0000 })
    #expect(samples(int.array(count: 2...4)).allSatisfy { (2...4).contains($0.count) })
    #expect(samples(.ascii(count: 1...3)).allSatisfy { (1...3).contains($0.count) })
    let unique = int.uniqueArray(count: 3...3) { $0 }
    #expect(samples(unique).allSatisfy { Set($0).count == 3 })
  }

  @Test("Probabilities are kept")
  func probabilities() {
    let present = samples(int.optional(probability: 0.25), 3000).count { $0 != nil }
    #expect((650...850).contains(present))
  }

  @Test("A filter gives up after its tries, a set that cannot be filled ends, recursion ends")
  func bounded() {
    let never = int.filter(tries: 5) { _ in false }
    let source = Source()
    source.begin(tail: .random, limit: 100, random: RandomStream(seed: 1))
    _ = never.array(count: 1...1_000_000).draw(source)
    #expect(source.isStopped && source.choices.count <= 6)
    source.begin(tail: .random, limit: 10_000, random: RandomStream(seed: 1))
    _ = Generator<Bool>.boolean().uniqueArray(count: 3...3) { $0 }.draw(source)
    #expect(source.isStopped && source.choices.count < 30)
    let deep = Generator<Int>.recursive(depth: 4, branching: 1, base: .constant(0)) { inner in
      inner.map { $0 + 1 }
    }
    #expect(samples(deep, 20).allSatisfy { $0 == 4 })
  }

  @Test("A stopped source answers with the simplest values and records nothing more")
  func stopped() {
    let source = Source()
    source.begin(tail: .random, limit: 3, random: RandomStream(seed: 4))
    let values = int.array(count: 1000).draw(source)
    #expect(source.isStopped && source.choices.count == 3 && values.count == 1000)
    #expect(int.draw(source) == 0)
  }
}

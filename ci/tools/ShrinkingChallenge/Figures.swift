// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import PropertyEngine

/// Successful shrinks from a large pair that differs by one, and how many are allowed.
func zigZag(bits: Int, seed: UInt64) -> (successes: Int, allowed: Int, ideal: Bool) {
  let top = UInt64.max >> UInt64(64 - bits)
  let number = Generator<UInt64>.integer(0...top)
  let pairs = zip(number, number).map { [$0.0, $0.1] }
  let isNear = { @Sendable (pair: [UInt64]) in
    max(pair[0], pair[1]) - min(pair[0], pair[1]) == 1
  }
  // A large start: found with another property, then replayed as a stored failure.
  let large = Property(pairs) { pair, _ in
    .holds(!(isNear(pair) && pair[0] > top / 2))
  }
  var settings = Problem.settings(seed, 1_000_000)
  settings.shrinkExecutions = 0
  guard let start = large.run(settings).counterexamples.first?.choices else { return (0, 0, false) }
  settings = Problem.settings(seed, 1)
  settings.replays = [start]
  let report = Property(pairs) { pair, _ in .holds(!isNear(pair)) }.run(settings)
  let wide = bits + 1
  let log = Int.bitWidth - (wide - 1).leadingZeroBitCount
  let choices = report.counterexamples.first?.choices?.description
  return (
    report.counterexamples.first?.shrinking.successes ?? .max, 2 * wide * log + 2, choices == "0,1"
  )
}

/// Choices drawn and recorded per second, and cases per second of a property over five integers.
func speed() -> (choices: Double, cases: Double) {
  let clock = ContinuousClock()
  let wide = Property(Generator<Int>.integer(0...1000).array(count: 1000)) { _, _ in .pass }
  let drawn = 4_000
  var settings = Problem.settings(1, drawn)
  // The best of several runs: other work on the machine only ever takes time away.
  let draw = (0..<5).map { _ in clock.measure { _ = wide.run(settings) } }.min() ?? .zero
  let number = Generator<Int>.integer(0...1000)
  let five = Property(zip(number, number, number, number, number)) { value, _ in
    .holds(value.0 >= 0)
  }
  settings = Problem.settings(1, 200_000)
  let cases = (0..<5).map { _ in clock.measure { _ = five.run(settings) } }.min() ?? .zero
  return (Double(drawn * 1000) / seconds(draw), 200_000 / seconds(cases))
}

private func seconds(_ duration: Duration) -> Double {
  Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
}

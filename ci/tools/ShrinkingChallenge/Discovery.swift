// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import PropertyEngine

private let ints = Generator<Int>.integer()
private let lists = ints.array()
private let floats = Generator<Double>.double()

private func event<Value: Sendable>(
  _ name: String, _ generator: Generator<Value>, _ happens: @escaping @Sendable (Value) -> Bool
) -> Problem {
  Problem(name, ideal: [], examples: 150, generator) { !happens($0) }
}

/// Events that 150 cases should contain in at least half of the runs.
let discovery: [Problem] = [
  event("integer is zero", ints) { $0 == 0 },
  event("integer is negative", ints) { $0 < 0 },
  event("integer above 2^32", ints) { $0 > 1 << 32 },
  event("integer is the least", ints) { $0 == .min },
  event("integer is the greatest", ints) { $0 == .max },
  event("integer in 1...20", ints) { (1...20).contains($0) },
  event("integer is odd and above 1000", ints) { $0 > 1000 && $0 % 2 != 0 },
  event("byte is 255", Generator<UInt8>.integer()) { $0 == 255 },
  event("two equal of two", zip(ints, ints).map { [$0.0, $0.1] }) { $0[0] == $0[1] },
  event("list is empty", lists) { $0.isEmpty },
  event("list of over 10", lists) { $0.count > 10 },
  event("list with a duplicate", lists) { Set($0).count < $0.count },
  event("list with three distinct", lists) { Set($0).count >= 3 },
  event("list sums to over 2^33", lists) { $0.reduce(0, &+) > 1 << 33 },
  event("list ascending, 3 or more", lists) { $0.count > 2 && $0 == $0.sorted() },
  event("list of positive numbers, 5 or more", lists) { $0.count > 4 && $0.allSatisfy { $0 > 0 } },
  event("list has a negative and a positive", lists) {
    $0.contains { $0 < 0 } && $0.contains { $0 > 0 }
  },
  event("booleans all equal, 4 or more", Generator<Bool>.boolean().array()) {
    $0.count > 3 && Set($0).count == 1
  },
  event("float is NaN", floats) { $0.isNaN },
  event("float is a signalling NaN", floats) { $0.isSignalingNaN },
  event("float is infinite", floats) { $0.isInfinite },
  event("float is -infinity", floats) { $0 == -.infinity },
  event("float is -0.0", floats) { $0 == 0 && $0.sign == .minus },
  event("float is subnormal", floats) { $0.isSubnormal },
  event("float is an integer", floats) { $0.isFinite && $0 == $0.rounded() },
  event("float is a proper fraction", floats) { abs($0) < 1e6 && $0 != $0.rounded() },
  event("float overflows when doubled", floats) { $0.isFinite && !($0 * 2).isFinite },
  event("float in 0...1 is no integer", .double(0...1)) { $0 > 0 && $0 < 1 },
  event("string is empty", .unicode()) { $0.isEmpty },
  event("string beyond ASCII", .unicode()) { $0.unicodeScalars.contains { $0.value > 127 } },
  event("string of ASCII", .unicode()) { !$0.isEmpty && $0.utf8.allSatisfy { $0 < 128 } },
  event("string with a repetition", .ascii()) { Set($0).count < $0.count },
  event("bytes with a zero", Generator<[UInt8]>.bytes()) { $0.contains(0) },
]

/// In how many of `runs` seeds the event happened.
func discovered(_ problem: Problem, runs: Int) -> Int {
  (0..<runs).count {
    !problem.run(Problem.settings(UInt64($0), problem.examples)).report.counterexamples.isEmpty
  }
}

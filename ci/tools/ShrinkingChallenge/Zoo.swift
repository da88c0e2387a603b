// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import PropertyEngine

private let int = Generator<Int>.integer()
private let small = Generator<Int>.integer(0...10)

/// Small problems that each need one mechanism, and problems with a budget of evaluations.
let zoo: [Problem] = [
  Problem("index_after_list", ideal: ["[[1], [0]]"], pair(int.array(), small)) {
    $0[1][0] >= $0[0].count || $0[0][$0[1][0]] == 0
  },
  Problem("declared_length_after_list", ideal: ["[[1], [1]]"], pair(int.array(), small)) {
    $0[1][0] != $0[0].count || $0[0].allSatisfy { $0 == 0 }
  },
  Problem(
    "count_then_loop", ideal: ["[1, 1]"],
    Generator<Int>.integer(0...20).flatMap { int.array(count: $0) }
  ) { $0.count < 2 || $0.first == 0 || $0.last == 0 },
  Problem(
    "two_equal_lengths", ideal: ["[[1], [0]]"],
    zip(int.array(), int.array()).map { [$0.0, $0.1] }
  ) { $0[0].count != $0[1].count || $0[0].allSatisfy { $0 == 0 } },
  Problem("table_with_header", ideal: ["[[0], [1]]"], table) {
    $0.dropFirst().allSatisfy { $0.allSatisfy { $0 == 0 } }
  },
  Problem(
    "unique_list", ideal: ["[500]"],
    Generator<Int>.integer(0...1000).uniqueArray(by: { $0 })
  ) { !$0.contains { $0 >= 500 } },
  Problem("balanced_brackets", ideal: ["2"], brackets) { $0.filter(\.isNumber) != "2" },
  Problem("gated_pick", ideal: ["[50, 0]"], gated) { _ in false },
  Problem(
    "smallest_float", ideal: ["\(Double(sign: .plus, exponent: -549, significand: 1))"],
    Generator<Double>.double(-1e-165...1e-165)
  ) { $0 == 0 },
  Problem("int_at_least_1000", ideal: ["1000"], budget: 150, int) { $0 < 1000 },
  Problem("sum_at_least_1000", ideal: ["[1000]"], budget: 600, int.array()) {
    $0.reduce(0, &+) < 1000
  },
  Problem(
    "nested_total_at_least_5", ideal: ["[[0, 0, 0, 0, 0]]"], budget: 2000, int.array().array()
  ) { $0.joined().count < 5 },
  Problem(
    "equal_pair", ideal: ["[[0, 0]]"], budget: 600, zip(int, int).map { [$0.0, $0.1] }.array()
  ) {
    !$0.contains { $0[0] == $0[1] }
  },
  Problem("pair_sum", ideal: ["[1, 1000]"], pairSum(between: 0)) { $0[0] + $0[1] <= 1000 },
  Problem("pair_sum_apart", ideal: ["[1, 1000]"], pairSum(between: 3)) { $0[0] + $0[1] <= 1000 },
  Problem("containment", ideal: ["[[0], [0]]"], pair(int.array(), int)) {
    !$0[0].contains($0[1][0])
  },
  Problem(
    "wide_integers", ideal: ["\([Int](repeating: 0, count: 20))"], int.array(count: 20)
  ) { _ in false },
  Problem(
    "branch_slip", ideal: ["101"],
    .oneOf(.integer(101...1_000_000, towards: 101), .integer(0...1000))
  ) { $0 <= 100 },
  Problem("float_above_1", ideal: ["2.0"], Generator<Double>.double()) { !($0 > 1) },
  Problem("float_above_0", ideal: ["1.0"], Generator<Double>.double()) { !($0 > 0) },
  Problem("float_above_7.3", ideal: ["8.0"], Generator<Double>.double()) { !($0 > 7.3) },
  Problem("float_fraction", ideal: ["1.5"], Generator<Double>.double()) {
    !$0.isFinite || $0 == $0.rounded()
  },
]

private func pair(_ list: Generator<[Int]>, _ number: Generator<Int>) -> Generator<[[Int]]> {
  zip(list, number).map { [$0.0, [$0.1]] }
}

/// The header, then rows as wide as it.
private let table = int.array(count: 0...8).flatMap { header in
  int.array(count: header.count).array().map { [header] + $0 }
}

/// A number in brackets.
private let brackets = Generator<String>.recursive(base: small.map { "\($0)" }) { inner in
  inner.map { "(\($0))" }
}

private let gated = Generator<[Int]> { source in
  let coin = Int(source.draw(.integer(0...100)))
  if coin < 50 { _ = source.draw(.integer(0...9)) }
  return [coin, Int(source.draw(.integer(0...9)))]
}

private func pairSum(between: Int) -> Generator<[Int]> {
  Generator { source in
    let first = source.draw(.integer(0...1000))
    for _ in 0..<between { _ = source.draw(.integer(0...1000)) }
    return [Int(first), Int(source.draw(.integer(0...1000)))]
  }
}

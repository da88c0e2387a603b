// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import PropertyEngine

private let int = Generator<Int>.integer()
private let ints = int.array()
private let int16s = Generator<Int16>.integer().array(count: 0...10)

private func distinct(_ lists: [[Int]]) -> Int { Set(lists.joined()).count }

/// The problems of the shrinking challenge, with the figures of Hypothesis 6.155.2.
let challenge: [Problem] = [
  Problem("reverse", ideal: ["[0, 1]"], reference: 9, ints) { $0 == $0.reversed() },
  Problem("distinct", ideal: ["[0, 1, -1]", "[0, 1, 2]"], reference: 34, ints) {
    Set($0).count < 3
  },
  Problem(
    "nestedlists", ideal: ["[[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]"], reference: 124, ints.array()
  ) { $0.reduce(0) { $0 + $1.count } <= 10 },
  Problem("large_union_list", ideal: ["[[0, 1, -1, 2, -2]]"], reference: 179, ints.array()) {
    distinct($0) <= 4
  },
  Problem(
    "lengthlist", ideal: ["[900]"], reference: 93,
    Generator<Int>.integer(1...100).flatMap { Generator<Int>.integer(0...1000).array(count: $0) }
  ) { ($0.max() ?? 0) < 900 },
  Problem(
    "deletion", ideal: ["[0, 0], 0"], reference: 9,
    ints.flatMap { list in
      Generator<Int>.integer(0...max(0, list.count - 1)).map { Indexed(list: list, index: $0) }
    }
  ) { value in
    guard value.index < value.list.count else { return nil }
    var list = value.list
    let element = list[value.index]
    if let first = list.firstIndex(of: element) { list.remove(at: first) }
    return !list.contains(element)
  },
  difference("difference_must_not_be_zero", "[10, 10]", 27) { $0 != 0 },
  difference("difference_must_not_be_small", "[10, 6]", 38) { !(1...4).contains(abs($0)) },
  difference("difference_must_not_be_one", "[10, 9]", 38) { abs($0) != 1 },
  Problem("calculator", ideal: ["(0 / (0 + 0))"], reference: 70, Expression.generator) {
    $0.dividesByLiteralZero ? nil : $0.value != nil
  },
  Problem(
    "coupling", ideal: ["[1, 0]"], reference: 25, required: 75,
    Generator<Int>.integer(0...10).array()
  ) { list in
    if list.contains(where: { $0 >= list.count }) { return nil }
    return !list.indices.contains { list[$0] != $0 && list[list[$0]] == $0 }
  },
  Problem(
    "bound5", ideal: ["[[], [], [], [-1], [-32768]]"], reference: 469, required: 80,
    int16s.array(count: 5)
  ) { lists in
    let sums = lists.map { $0.reduce(Int16(0), &+) }
    if sums.contains(where: { $0 >= 256 }) { return nil }
    return lists.joined().reduce(Int16(0), &+) < 1280
  },
  Problem("binheap", ideal: ["(0 - (0 (0) (1)))"], reference: 71, required: 80, Heap.generator) {
    let sorted = $0.faultySorted()
    return sorted == $0.elements.sorted() && sorted == sorted.sorted()
  },
]

private func difference(
  _ name: String, _ ideal: String, _ reference: Double,
  _ holds: @escaping @Sendable (Int) -> Bool
) -> Problem {
  let positive = Generator<Int>.integer(1...(Int.max), towards: 1)
  return Problem(
    name, ideal: [ideal], reference: reference,
    zip(positive, positive).map {
      [$0.0, $0.1]
    }
  ) { $0[0] < 10 || holds($0[0] - $0[1]) }
}

/// A list and a place in it.
struct Indexed: Sendable, CustomStringConvertible {
  var list: [Int]
  var index: Int
  var description: String { "\(list), \(index)" }
}

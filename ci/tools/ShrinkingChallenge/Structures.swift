// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import PropertyEngine

/// Arithmetic for the calculator problem.
indirect enum Expression: CustomStringConvertible, Sendable {
  case number(Int)
  case sum(Expression, Expression)
  case quotient(Expression, Expression)

  var description: String {
    switch self {
    case .number(let value): "\(value)"
    case .sum(let a, let b): "(\(a) + \(b))"
    case .quotient(let a, let b): "(\(a) / \(b))"
    }
  }

  var dividesByLiteralZero: Bool {
    switch self {
    case .number: false
    case .sum(let a, let b): a.dividesByLiteralZero || b.dividesByLiteralZero
    case .quotient(_, .number(0)): true
    case .quotient(let a, let b): a.dividesByLiteralZero || b.dividesByLiteralZero
    }
  }

  /// `nil` where it divides by zero.
  var value: Int? {
    switch self {
    case .number(let value): return value
    case .sum(let a, let b):
      guard let left = a.value, let right = b.value else { return nil }
      return left &+ right
    case .quotient(let a, let b):
      guard let left = a.value, let right = b.value, right != 0 else { return nil }
      return left.dividedReportingOverflow(by: right).partialValue
    }
  }

  static let generator = Generator<Expression>.recursive(
    depth: 5, base: Generator<Int>.integer().map { .number($0) }
  ) { inner in
    .oneOf(
      zip(inner, inner).map { .sum($0.0, $0.1) }, zip(inner, inner).map { .quotient($0.0, $0.1) })
  }
}

/// A binary heap for the binheap problem; `merged` is right, `faultySorted` has the planted fault.
indirect enum Heap: CustomStringConvertible, Sendable {
  case empty
  case node(Int, Heap, Heap)

  var description: String {
    switch self {
    case .empty: "-"
    case .node(let value, .empty, .empty): "(\(value))"
    case .node(let value, let left, let right): "(\(value) \(left) \(right))"
    }
  }

  var elements: [Int] {
    switch self {
    case .empty: []
    // The right side first, as the original does with its stack.
    case .node(let value, let left, let right): [value] + right.elements + left.elements
    }
  }

  static func merged(_ a: Heap, _ b: Heap) -> Heap {
    guard case .node(let x, let aLeft, let aRight) = a else { return b }
    guard case .node(let y, let bLeft, let bRight) = b else { return a }
    return x <= y
      ? .node(x, merged(aRight, b), aLeft) : .node(y, merged(bRight, a), bLeft)
  }

  /// The elements in order, were it not that the rest after the first is only flattened.
  func faultySorted() -> [Int] {
    guard case .node(let value, let left, let right) = self else { return [] }
    return [value] + Heap.merged(left, right).elements
  }

  static let generator = heap(atLeast: 0, depth: 5)

  /// Values grow downwards by what is drawn; where the depth ends the coin is forced, not left out.
  private static func heap(atLeast: Int, depth: Int) -> Generator<Heap> {
    Generator { draw($0, atLeast, depth) }
  }

  private static func draw(_ source: Source, _ least: Int, _ depth: Int) -> Heap {
    source.startSpan(SpanLabel("heap"))
    defer { source.endSpan() }
    let isNode = source.draw(.boolean(0.5), forced: depth == 0 ? 0 : nil) == 1
    guard isNode, !source.isStopped else { return .empty }
    let value = Int(truncatingIfNeeded: source.draw(.integer(least...Int.max, towards: least)))
    let left = draw(source, value, depth - 1)
    let right = draw(source, value, depth - 1)
    return .node(value, left, right)
  }
}

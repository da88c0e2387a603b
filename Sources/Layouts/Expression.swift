// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What an expression or a condition is evaluated with: the numbers and switches of one config.
public struct LayoutValues: Sendable {
  /// The values of the layout's sizes, in their order; the one that says whether experts are gated is
  /// filled in by the option.
  public let sizes: [Int]
  /// The layout's flags, in their order.
  public let flags: [Bool]
  /// The layer that a condition is asked of, or nil outside layers.
  public var layer: Int?

  /// Creates the values of a config.
  public init(sizes: [Int], flags: [Bool], layer: Int? = nil) {
    self.sizes = sizes
    self.flags = flags
    self.layer = layer
  }
}

/// A whole number that follows from the sizes of a config, such as `G * I`.
public indirect enum Expression: Sendable, Hashable {
  /// A number.
  case constant(Int)
  /// A size by its position in the layout.
  case size(Int)
  /// The number of the layer.
  case layer
  /// Two expressions with an operator between them.
  case binary(Operator, Expression, Expression)

  /// An operator on two numbers.
  public enum Operator: Character, Sendable, Hashable {
    /// A sum.
    case plus = "+"
    /// A difference.
    case minus = "-"
    /// A product.
    case times = "*"
    /// Division without a remainder; one that leaves a remainder has no value.
    case over = "/"
    /// The remainder of a quotient.
    case modulo = "%"
  }

  /// The value, or nil where it overflows, is not whole or needs a layer outside layers.
  public func value(_ values: LayoutValues) -> Int? {
    switch self {
    case .constant(let number): return number
    case .size(let position): return values.sizes[position]
    case .layer: return values.layer
    case .binary(let sign, let left, let right):
      guard let left = left.value(values), let right = right.value(values) else { return nil }
      return Self.apply(sign, left, right)
    }
  }

  private static func apply(_ sign: Operator, _ left: Int, _ right: Int) -> Int? {
    func unless(_ result: (partialValue: Int, overflow: Bool)) -> Int? {
      result.overflow ? nil : result.partialValue
    }
    switch sign {
    case .plus: return unless(left.addingReportingOverflow(right))
    case .minus: return unless(left.subtractingReportingOverflow(right))
    case .times: return unless(left.multipliedReportingOverflow(by: right))
    case .over:
      guard right > 0, left.isMultiple(of: right) else { return nil }
      return left / right
    case .modulo: return right > 0 ? left % right : nil
    }
  }

  /// The size that the expression is, or nil if it is anything else.
  public var singleSize: Int? {
    if case .size(let position) = self { position } else { nil }
  }

  /// The numbers that it is made of: constants, sizes and the layer.
  var leaves: [Expression] {
    if case .binary(_, let left, let right) = self { left.leaves + right.leaves } else { [self] }
  }

  /// The positions of the sizes that occur in it.
  public var mentionedSizes: Set<Int> { Set(leaves.compactMap(\.singleSize)) }

  /// Whether it depends on the number of the layer.
  var mentionsLayer: Bool { leaves.contains(.layer) }
}

/// Whether something is there, decided by the flags and sizes of a config.
public indirect enum Condition: Sendable, Hashable {
  /// Holds for every config and layer.
  case always
  /// A flag by its position in the layout.
  case flag(Int)
  /// Two expressions compared.
  case comparison(Comparison, Expression, Expression)
  /// Holds where the other does not.
  case not(Condition)
  /// Holds where both hold.
  case both(Condition, Condition)
  /// Holds where one of the two holds.
  case either(Condition, Condition)

  /// How two numbers are compared.
  public enum Comparison: String, Sendable, Hashable, CaseIterable {
    /// The same number.
    case equal = "=="
    /// Another number.
    case unequal = "!="
    /// A number that is not greater.
    case atMost = "<="
    /// A number that is not less.
    case atLeast = ">="
    /// A smaller number.
    case less = "<"
    /// A larger number.
    case greater = ">"
  }

  /// Whether it holds; a comparison of numbers without a value does not.
  public func holds(_ values: LayoutValues) -> Bool {
    switch self {
    case .always: return true
    case .flag(let position): return values.flags[position]
    case .not(let condition): return !condition.holds(values)
    case .both(let one, let other): return one.holds(values) && other.holds(values)
    case .either(let one, let other): return one.holds(values) || other.holds(values)
    case .comparison(let comparison, let left, let right):
      guard let left = left.value(values), let right = right.value(values) else { return false }
      return switch comparison {
      case .equal: left == right
      case .unequal: left != right
      case .atMost: left <= right
      case .atLeast: left >= right
      case .less: left < right
      case .greater: left > right
      }
    }
  }
}

extension Condition {
  /// The flags and comparisons that it is made of.
  private var leaves: [Condition] {
    switch self {
    case .always: []
    case .flag, .comparison: [self]
    case .not(let condition): condition.leaves
    case .both(let one, let other), .either(let one, let other): one.leaves + other.leaves
    }
  }

  /// What is compared in it.
  private var numbers: [Expression] {
    var result: [Expression] = []
    for case .comparison(_, let left, let right) in leaves { result += left.leaves + right.leaves }
    return result
  }

  /// Whether it depends on the number of the layer.
  var mentionsLayer: Bool { numbers.contains(.layer) }

  /// The numbers that it mentions.
  var constants: [Int] {
    numbers.compactMap { if case .constant(let number) = $0 { number } else { nil } }
  }

  /// The positions of the sizes that it mentions.
  var mentionedSizes: Set<Int> { Set(numbers.compactMap(\.singleSize)) }

  /// The positions of the flags that it mentions.
  var mentionedFlags: Set<Int> {
    Set(leaves.compactMap { if case .flag(let position) = $0 { position } else { nil } })
  }
}

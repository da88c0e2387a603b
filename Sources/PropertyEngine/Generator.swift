// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Makes values out of choices. Whatever it makes shrinks, because shrinking edits the choices.
public struct Generator<Value>: Sendable {
  @usableFromInline let body: @Sendable (Source) -> Value

  /// A generator that draws from the source it is given. It must be deterministic in its draws. Once
  /// the source is stopped the value is thrown away, but there must be one: transformations must not
  /// trap on a value that a filter before them refused.
  @inlinable public init(_ body: @escaping @Sendable (Source) -> Value) {
    self.body = body
  }

  /// Draws one value.
  @inlinable public func draw(_ source: Source) -> Value { body(source) }

  /// The values of `transform`.
  @inlinable public func map<Other>(_ transform: @escaping @Sendable (Value) -> Other)
    -> Generator<Other>
  {
    Generator<Other> { [body] in transform(body($0)) }
  }

  /// A generator that depends on a value drawn before; shrinks through both.
  @inlinable public func flatMap<Other>(
    _ next: @escaping @Sendable (Value) -> Generator<Other>
  ) -> Generator<Other> {
    Generator<Other> { [body] source in
      source.startSpan(.mapped)
      let first = body(source)
      let result = next(first).draw(source)
      source.endSpan()
      return result
    }
  }

  /// Values that meet a condition: drawn anew up to `tries` times, after that the case is
  /// discarded; what follows is then still given the last value, which does not meet it.
  @inlinable public func filter(
    tries: Int = 3, _ isIncluded: @escaping @Sendable (Value) -> Bool
  ) -> Generator {
    Generator { [body] source in
      for _ in 1..<max(tries, 1) {
        source.startSpan(.attempt)
        let value = body(source)
        let isGood = isIncluded(value)
        source.endSpan(discarded: !isGood)
        if isGood || source.isStopped { return value }
      }
      source.startSpan(.attempt)
      let value = body(source)
      source.endSpan()
      if !isIncluded(value) { source.discard() }
      return value
    }
  }

  /// `nil` first, or a value.
  @inlinable public func optional(probability: Double = 0.75) -> Generator<Value?> {
    Generator<Value?> { [body] source in
      source.startSpan(.alternative)
      let isPresent = source.draw(.boolean(probability)) == 1
      let value = isPresent ? body(source) : nil
      source.endSpan()
      return value
    }
  }
}

extension Generator where Value: Sendable {
  /// Always `value`; draws nothing.
  @inlinable public static func constant(_ value: Value) -> Generator {
    Generator { _ in value }
  }

  /// One of `elements`, the first being the simplest. There must be one.
  @inlinable public static func element(of elements: [Value]) -> Generator {
    precondition(!elements.isEmpty, "element(of:) needs an element")
    let constraint = Constraint.integer(0...(elements.count - 1))
    return Generator { elements[Int($0.draw(constraint))] }
  }
}

extension Generator {
  /// One of several generators, evenly; the first makes the simplest values. There must be one.
  @inlinable public static func oneOf(_ generators: Generator...) -> Generator {
    oneOf(generators)
  }

  /// One of several generators, evenly; the first makes the simplest values. There must be one.
  @inlinable public static func oneOf(_ generators: [Generator]) -> Generator {
    precondition(!generators.isEmpty, "oneOf needs a generator")
    let constraint = Constraint.integer(0...(generators.count - 1))
    return Generator { source in
      source.startSpan(.alternative)
      let value = generators[Int(source.draw(constraint))].draw(source)
      source.endSpan()
      return value
    }
  }

  /// Recursive values: `base`, or what `branch` makes of smaller ones, at most `depth` deep. The
  /// decision is drawn at every depth, also where it is forced.
  public static func recursive(
    depth: Int = 5, branching: Double = 0.5, base: Generator,
    branch: @escaping @Sendable (Generator) -> Generator
  ) -> Generator {
    let knot = Knot<Value>()
    let node = Generator { source in
      source.startSpan(.recursive)
      defer { source.endSpan() }
      let canBranch = source.depth < depth
      let branches =
        source.draw(.boolean(branching), forced: canBranch ? nil : 0) == 1 && !source.isStopped
      guard branches, let inner = knot.generator else { return base.draw(source) }
      source.depth += 1
      defer { source.depth -= 1 }
      return inner.draw(source)
    }
    knot.generator = branch(node)
    return node
  }
}

/// Ties a generator to itself. Written once, before the generator is handed out.
private final class Knot<Value>: @unchecked Sendable {
  var generator: Generator<Value>?
}

/// Values of several generators together.
@inlinable public func zip<each Part>(_ parts: repeat Generator<each Part>)
  -> Generator<(repeat each Part)>
{
  Generator<(repeat each Part)> { source in
    source.startSpan(.tuple)
    defer { source.endSpan() }
    return (repeat (each parts).draw(source))
  }
}

extension Generator {
  /// The case of a number, drawn from a stream of its own, so that it is the same whatever was drawn
  /// before and in whatever process; nil if the generator discards it.
  public func numbered(
    _ number: UInt64, seed: UInt64
  ) -> (value: Value, choices: ChoiceSequence)? {
    let source = Source()
    source.begin(
      tail: .random, limit: .max, random: RandomStream(seed: seed, index: number, salt: 0xCA5E))
    let value = draw(source)
    return source.isStopped ? nil : (value, source.sequence)
  }
}

/// A number for each number and seed, spread evenly over all 64-bit numbers.
public func scattered(_ number: UInt64, seed: UInt64) -> UInt64 {
  var stream = RandomStream(seed: seed, index: number, salt: 0x5CA7)
  return stream.next()
}

extension Generator {
  /// A number that changes when the generator's structure does: the constraints and spans of its
  /// simplest case. The same in every process.
  public var fingerprint: UInt64 {
    let source = Source()
    source.begin(tail: .simplest, limit: 1 << 14, random: RandomStream(seed: 0))
    _ = draw(source)
    var hash = FNV()
    for event in source.trail { hash.add(UInt64(truncatingIfNeeded: event)) }
    for choice in source.choices {
      let constraint = choice.constraint
      hash.add(constraint.kind.rawValue)
      hash.add(constraint.flags)
      hash.add(constraint.format.exponentBits)
      hash.add(constraint.format.significandBits)
      hash.add(constraint.lower)
      hash.add(constraint.upper)
      hash.add(constraint.anchor)
    }
    return hash.value
  }
}

/// A number for a name, the same in every process and for ever: FNV-1a of its UTF-8.
public func stableHash(_ name: String) -> UInt64 {
  var hash = FNV()
  hash.add(name)
  return hash.value
}

func hexadecimal(_ number: UInt64) -> String {
  let digits = String(number, radix: 16)
  return String(repeating: "0", count: 16 - digits.count) + digits
}

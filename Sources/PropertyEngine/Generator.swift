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

  /// The same values within a span of their own, so that they can be deleted or swapped as one.
  @inlinable public func labelled(_ label: SpanLabel) -> Generator {
    Generator { [body] source in
      source.startSpan(label)
      let value = body(source)
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

  /// One of several generators, as often as their weights say; the first makes the simplest values.
  public static func frequency(_ weighted: [(weight: Int, generator: Generator)]) -> Generator {
    precondition(
      weighted.contains { $0.weight > 0 } && weighted.allSatisfy { $0.weight >= 0 },
      "frequency needs a positive weight")
    // One coin for each alternative but the last: a lower alternative is a simpler sequence.
    let chances = weighted.indices.map { index in
      Double(weighted[index].weight)
        / Double(max(1, weighted[index...].reduce(0) { $0 + $1.weight }))
    }
    let generators = weighted.map(\.generator)
    return Generator { source in
      source.startSpan(.alternative)
      var index = 0
      while index < generators.count - 1 {
        let constraint = Constraint.boolean(1 - chances[index])
        if source.draw(constraint) == 0 { break }
        index += 1
      }
      let value = generators[index].draw(source)
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

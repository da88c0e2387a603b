// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// How long a collection is: a coin before each element, which is drawn within a span of its own, so
/// that deleting the span deletes the element. A fixed length draws no coins. The least number of
/// elements is also made once the source is stopped: what is done with them may count on it.
@usableFromInline struct Repetition: Sendable {
  @usableFromInline let least: Int
  @usableFromInline let most: Int
  @usableFromInline let coin: Constraint

  @usableFromInline init(_ count: ClosedRange<Int>, average: Double?) {
    precondition(count.lowerBound >= 0, "a collection cannot have fewer than no elements")
    least = count.lowerBound
    most = count.upperBound
    let middle = (Double(least) + Double(most)) / 2
    let extra =
      max(0.1, (average ?? min(middle, max(Double(least) * 2, Double(least) + 5))) - Double(least))
    coin = .boolean(extra / (1 + extra), grows: true)
  }

  /// Draws elements with `body`, which says whether it added one.
  @inlinable func run(_ source: Source, _ body: () -> Bool) {
    source.startSpan(.list)
    defer { source.endSpan() }
    var count = 0
    var rejected = 0
    while true {
      source.startSpan(.element)
      if least != most {
        let isFull = count >= most || rejected > 3 + 2 * count
        if source.draw(coin, forced: count < least ? 1 : isFull ? 0 : nil) == 0 || source.isStopped,
          count >= least
        {
          break
        }
      } else if count == most {
        break
      }
      let isAdded = body()
      source.endSpan(discarded: !isAdded)
      if isAdded { count += 1 } else { rejected += 1 }
      if !isAdded, count < least, rejected > 3 + 2 * max(count, least) {
        source.discard()
        return
      }
    }
    source.endSpan()
  }
}

extension Generator {
  /// Arrays of these values.
  ///
  /// - Parameters:
  ///   - count: How many elements.
  ///   - average: Mean number of elements at full size, if not the default.
  @inlinable public func array(count: ClosedRange<Int> = 0...64, average: Double? = nil)
    -> Generator<[Value]>
  {
    let repetition = Repetition(count, average: average)
    return Generator<[Value]> { [body] source in
      var elements: [Value] = []
      repetition.run(source) {
        elements.append(body(source))
        return true
      }
      return elements
    }
  }

  /// Arrays of `count` of these values.
  @inlinable public func array(count: Int) -> Generator<[Value]> { array(count: count...count) }

  /// Arrays in which no two elements have the same key; fewer than asked for, and the case discarded,
  /// where there are not enough keys.
  @inlinable public func uniqueArray<Key: Hashable & SendableMetatype>(
    count: ClosedRange<Int> = 0...64, by key: @escaping @Sendable (Value) -> Key
  ) -> Generator<[Value]> {
    let repetition = Repetition(count, average: nil)
    return Generator<[Value]> { [body] source in
      var elements: [Value] = []
      var seen: Set<Key> = []
      repetition.run(source) {
        let element = body(source)
        guard seen.insert(key(element)).inserted else { return false }
        elements.append(element)
        return true
      }
      return elements
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Passes that work on spans.
extension Shrinker {
  func removeDiscarded() {
    while !isOver {
      var kept = sequence
      var end = Int.max
      // From the back, so that positions in front stay good; nested ones go with the outer.
      for span in spans.filter(\.isDiscarded).sorted(by: { $0.end > $1.end })
      where span.end <= end && span.count > 0 {
        kept = kept.removing(span.range)
        end = span.start
      }
      if end == Int.max || !consider(kept) { return }
    }
  }

  /// Spans of the current case from the outermost to the innermost, and from back to front.
  private func forEachSpan(_ body: (Int) -> Bool) {
    var depth = 1
    while !isOver {
      guard spans.contains(where: { $0.depth >= depth }) else { return }
      var limit = Int.max
      while !isOver {
        // The last span of this depth that starts before the one just seen.
        guard
          let index = spans.lastIndex(where: {
            $0.depth == depth && $0.start < limit && $0.count > 0
          })
        else { break }
        let start = spans[index].start
        _ = body(index)
        limit = start
      }
      depth += 1
    }
  }

  func trivialSpans() {
    simplify(0..<count)
    forEachSpan { simplify(spans[$0].range) }
  }

  @discardableResult private func simplify(_ range: Range<Int>) -> Bool {
    let open = range.filter { !sequence.isTrivial($0) }
    if open.isEmpty { return false }
    var candidate = sequence
    for position in open { candidate.simplify(position) }
    return consider(candidate)
  }

  func deleteSpans() {
    forEachSpan { index in
      let span = spans[index]
      guard consider(sequence.removing(span.range)) else { return false }
      // Siblings in front of it, more and more at once.
      _ = findInteger { deleteBefore(span.start, span.depth, $0) }
      return true
    }
  }

  private func deleteBefore(_ end: Int, _ depth: Int, _ number: Int) -> Bool {
    // Each success has already taken its share: of `number`, about half is still to be taken.
    let siblings = spans.filter { $0.depth == depth && $0.end <= end && $0.count > 0 }
    let wanted = max(1, number <= 5 ? 1 : number / 2)
    guard let last = siblings.last, wanted <= siblings.count else { return false }
    var first = last
    for span in siblings.suffix(wanted).reversed() {
      if span.parent != last.parent || span.end != first.start && span.start != first.start {
        return false
      }
      first = span
    }
    return consider(sequence.removing(first.start..<last.end))
  }

  func passToDescendant() {
    var index = 1
    while index < spans.count, !isOver {
      let span = spans[index]
      let inner = spans.indices.filter {
        $0 > index && spans[$0].label == span.label && spans[$0].start >= span.start
          && spans[$0].end <= span.end && spans[$0].count < span.count
      }
      // The smallest first: the greatest gain; then the others.
      var hasChanged = false
      for descendant in inner.sorted(by: { spans[$0].count < spans[$1].count }).prefix(8) {
        if consider(sequence.replacing(span.range, with: sequence, spans[descendant].range)) {
          hasChanged = true
          break
        }
      }
      if !hasChanged { index += 1 }
    }
  }

  func reorderSpans() {
    var parent = 0
    while parent < spans.count, !isOver {
      sortChildren(of: parent)
      parent += 1
    }
  }

  private func sortChildren(of parent: Int) {
    let labels = Set(spans.filter { $0.parent == parent }.map(\.label)).sorted()
    for label in labels {
      let members = {
        self.spans.filter { $0.parent == parent && $0.label == label && $0.count > 0 }
      }
      let start = members()
      guard start.count > 1 else { continue }
      let sorted = start.sorted {
        sequence.comparison($0.range, with: sequence, $1.range) < 0
      }
      if permute(start, sorted) { continue }
      // Then neighbours, as insertion sort does.
      var position = 1
      while position < members().count, !isOver {
        var place = position
        while place > 0 {
          let spans = members()
          guard place < spans.count,
            sequence.comparison(spans[place].range, with: sequence, spans[place - 1].range) < 0,
            permute([spans[place - 1], spans[place]], [spans[place], spans[place - 1]])
          else { break }
          place -= 1
        }
        position += 1
      }
    }
  }

  private func permute(_ places: [Span], _ contents: [Span]) -> Bool {
    var candidate = ChoiceSequence()
    var end = 0
    for (place, content) in zip(places, contents) {
      candidate.append(contentsOf: end..<place.start, of: sequence)
      candidate.append(contentsOf: content.range, of: sequence)
      end = place.end
    }
    candidate.append(contentsOf: end..<count, of: sequence)
    return consider(candidate)
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// A case as nested spans, to rearrange it as a whole.
private indirect enum Part {
  case choice(Int)
  case span(label: Int32, parts: [Part])

  func flattened(_ positions: inout [Int]) {
    switch self {
    case .choice(let position): positions.append(position)
    case .span(_, let parts): for part in parts { part.flattened(&positions) }
    }
  }
}

extension Shrinker {
  /// Swaps two parts of one kind within a recursive value, wherever they hang, then sorts all
  /// siblings: rotations, which no single move reaches.
  func swapAndSort() {
    var first = 1
    while first < spans.count, count <= 64, !isOver {
      var second = first + 1
      while first < spans.count, second < spans.count, !isOver {
        if isSwappable(first, second), consider(sorted(swapping: first, second)) {
          second = first + 1
        } else {
          second += 1
        }
      }
      first += 1
    }
  }

  private func isSwappable(_ a: Int, _ b: Int) -> Bool {
    let (left, right) = (spans[a], spans[b])
    let isList = left.label == SpanLabel.element.event || left.label == SpanLabel.list.event
    guard left.label == right.label, !isList, left.parent != right.parent, left.count > 0,
      right.count > 0, left.end <= right.start
    else { return false }
    return hasAncestor(a, left.label) && hasAncestor(b, left.label)
  }

  private func hasAncestor(_ index: Int, _ label: Int32) -> Bool {
    var parent = spans[index].parent
    while parent > 0 {
      if spans[parent].label == label { return true }
      parent = spans[parent].parent
    }
    return false
  }

  private func sorted(swapping a: Int, _ b: Int) -> ChoiceSequence {
    var children = [[Int]](repeating: [], count: spans.count)
    for index in spans.indices.dropFirst() { children[spans[index].parent].append(index) }
    var positions: [Int] = []
    part(0, children, [a: b, b: a]).flattened(&positions)
    var result = ChoiceSequence()
    for position in positions {
      result.append(contentsOf: position..<(position + 1), of: sequence)
    }
    return result
  }

  private func part(_ index: Int, _ children: [[Int]], _ swap: [Int: Int]) -> Part {
    var parts: [Part] = []
    var position = spans[index].start
    for child in children[index] {
      while position < spans[child].start {
        parts.append(.choice(position))
        position += 1
      }
      parts.append(part(swap[child] ?? child, children, swap))
      position = spans[child].end
    }
    while position < spans[index].end {
      parts.append(.choice(position))
      position += 1
    }
    return .span(label: spans[index].label, parts: sortedSiblings(parts))
  }

  /// Spans of one label in order of simplicity, in the places that spans of that label have.
  private func sortedSiblings(_ parts: [Part]) -> [Part] {
    var result = parts
    var groups: [Int32: [Int]] = [:]
    for (place, part) in parts.enumerated() {
      if case .span(let label, _) = part { groups[label, default: []].append(place) }
    }
    for (_, places) in groups where places.count > 1 {
      let inOrder = places.map { parts[$0] }.sorted(by: isSimpler)
      for (place, part) in zip(places, inOrder) { result[place] = part }
    }
    return result
  }

  private func isSimpler(_ a: Part, _ b: Part) -> Bool {
    var left: [Int] = []
    var right: [Int] = []
    a.flattened(&left)
    b.flattened(&right)
    if left.count != right.count { return left.count < right.count }
    for (x, y) in zip(left, right) {
      let order = sequence.comparison(x..<(x + 1), with: sequence, y..<(y + 1))
      if order != 0 { return order < 0 }
    }
    return false
  }
}

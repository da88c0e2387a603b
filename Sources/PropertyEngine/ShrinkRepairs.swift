// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Passes that make one edit and repair what it breaks elsewhere.
extension Shrinker {
  /// Lowers a count and deletes one of the things counted.
  func lowerAndDelete() {
    var position = 0
    while position < count, !isOver {
      let choice = choices[position]
      if choice.constraint.kind == .integer, !sequence.isTrivial(position) {
        let (magnitude, isAbove) = choice.constraint.distance(ofInteger: choice.bits)
        let less = choice.constraint.integer(magnitude: magnitude - 1, isAbove: isAbove)
        let candidate = sequence.with(less ?? choice.bits, at: position)
        let attempt = attempt(candidate)
        let changesShape = attempt.realised.map { $0.count != candidate.count } ?? false
        if attempt.isAdopted { continue }
        if changesShape, deleteOneLater(candidate, after: position) { continue }
      }
      position += 1
    }
  }

  private func deleteOneLater(_ candidate: ChoiceSequence, after position: Int) -> Bool {
    for span in spans where span.start > position && span.count > 0 {
      if consider(candidate.removing(span.range)) { return true }
    }
    for place in (position + 1)..<max(position + 1, candidate.count) {
      if consider(candidate.removing(place..<(place + 1))) { return true }
    }
    return false
  }

  /// Places of a span among its siblings of the same kind.
  private func siblings(of index: Int) -> [Int] {
    spans.indices.filter {
      spans[$0].parent == spans[index].parent && spans[$0].label == spans[index].label
    }
  }

  /// Deletes an element of a list whose elements point at places of the list.
  func deleteAndRenumber() {
    forEachSpanFromBehind { renumber($0) }
  }

  private func renumber(_ index: Int) {
    let span = spans[index]
    let siblings = siblings(of: index)
    guard let place = siblings.firstIndex(of: index) else { return }
    var candidate = sequence
    var hasChanged = false
    for position in spans[span.parent].range where !span.range.contains(position) {
      let choice = choices[position]
      guard choice.constraint.kind == .integer, !choice.isForced else { continue }
      let (magnitude, isAbove) = choice.constraint.distance(ofInteger: choice.bits)
      guard isAbove, magnitude > UInt64(place), magnitude < UInt64(siblings.count),
        let bits = choice.constraint.integer(magnitude: magnitude - 1, isAbove: true)
      else { continue }
      candidate.choices[position].bits = bits
      hasChanged = true
    }
    if hasChanged { consider(candidate.removing(span.range)) }
  }

  /// Deletes an element and puts right what is drawn after the list: an index, a length, the lists
  /// that must have as many elements.
  func deleteAndNudge() {
    forEachSpanFromBehind { index in
      let span = spans[index]
      if span.parent == 0 || deleteAlike(index) { return }
      let end = spans[span.parent].end
      guard end < count else { return }
      for candidate in nudged(sequence, end) where consider(candidate.removing(span.range)) {
        return
      }
    }
  }

  private func nudged(_ sequence: ChoiceSequence, _ position: Int) -> [ChoiceSequence] {
    let choice = sequence.choices[position]
    if choice.isForced { return [] }
    switch choice.constraint.kind {
    case .integer:
      return [-1, 1].compactMap { choice.constraint.moved(choice.bits, by: $0) }
        .map { sequence.with($0, at: position) }
    case .boolean: return [sequence.with(choice.bits ^ 1, at: position)]
    case .float: return []
    }
  }

  /// Elements of a list or the like, without the coin that ends it.
  private func elements(of parent: Int, _ label: Int32) -> [Int] {
    var members = spans.indices.filter {
      spans[$0].parent == parent && spans[$0].label == label && spans[$0].count > 0
    }
    if let last = members.last, spans[last].count == 1 {
      let choice = choices[spans[last].start]
      if choice.constraint.kind == .boolean, choice.bits == 0 { members.removeLast() }
    }
    return members
  }

  /// Deletes the element at the same place of all later lists that are as long, or of the next one.
  private func deleteAlike(_ index: Int) -> Bool {
    let span = spans[index]
    let own = elements(of: span.parent, span.label)
    guard let place = own.firstIndex(of: index) else { return false }
    var alike: [Range<Int>] = []
    for parent in spans.indices where spans[parent].start >= spans[span.parent].end {
      let members = elements(of: parent, span.label)
      guard members.count == own.count else { continue }
      let range = spans[members[place]].range
      // Of lists within lists the inner ones count.
      alike.removeAll { $0.overlaps(range) }
      alike.append(range)
    }
    for number in Set([alike.count, 1]).sorted(by: >) where number > 0 && number <= alike.count {
      var candidate = sequence
      let doomed = alike.prefix(number).sorted { $0.lowerBound > $1.lowerBound }
      for range in doomed { candidate = candidate.removing(range) }
      if consider(candidate.removing(span.range)) { return true }
    }
    return false
  }

  func deleteChoices() {
    for length in [2, 1] {
      var start = count - length
      while start >= 0, !isOver {
        if start + length <= count { consider(sequence.removing(start..<(start + length))) }
        start -= 1
      }
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// A run of choices that belong together.
struct Span: Sendable {
  var label: Int32
  var start: Int
  var end: Int
  var parent: Int
  var depth: Int
  var isDiscarded = false

  var range: Range<Int> { start..<end }
  var count: Int { end - start }
}

/// The spans of a trail in the order in which they open; the root spans everything.
func spans(of trail: ContiguousArray<Int32>) -> [Span] {
  var spans = [Span(label: 1, start: 0, end: 0, parent: -1, depth: 0)]
  var open = [0]
  var position = 0
  for event in trail {
    switch event {
    case 0: position += 1
    case -1, -2:
      guard open.count > 1, let index = open.popLast() else { continue }
      spans[index].end = position
      spans[index].isDiscarded = event == -2
    default:
      let parent = open.last ?? 0
      open.append(spans.count)
      spans.append(
        Span(
          label: event, start: position, end: position, parent: parent, depth: open.count - 1))
    }
  }
  for index in open { spans[index].end = position }
  return spans
}

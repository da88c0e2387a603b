// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// How one execution of a case ended.
public enum CaseStatus: UInt8, Sendable, BitwiseCopyable {
  /// It needed more choices than it was given.
  case overrun
  /// The generator or the body gave it up.
  case discarded
  /// The property held.
  case passed
  /// The property failed.
  case failed
}

/// What follows after the prefix of a replay.
enum Tail: Sendable {
  case overrun
  case simplest
  case random
}

/// Where generators draw their choices from: first a prefix to replay, then chance. Everything drawn
/// is recorded. Once stopped, every draw answers with the simplest value and records nothing, so
/// that a generator finishes quickly without throwing.
public final class Source {
  var choices: ContiguousArray<Choice> = []
  /// One event each: 0 a choice, -1 and -2 the end of a kept and of a discarded span, else a label.
  var trail: ContiguousArray<Int32> = []
  /// Why the case stopped early, if it did.
  private(set) var stop: CaseStatus?
  /// Whether a value of the prefix did not fit where it was replayed.
  private(set) var isMisaligned = false
  /// How deep recursive generators are.
  @usableFromInline var depth = 0

  private var prefix = ChoiceSequence()
  private var tail = Tail.random
  private var limit = Int.max
  var random = RandomStream(seed: 0)
  /// Whether numbers of this case lie above their simplest value only.
  private(set) var staysAbove = false
  /// Growth of the cases, in 1/256 of full size.
  private(set) var size: UInt64 = 256
  /// The tree of known cases, and the node that the choices so far lead to.
  private var tree: ChoiceTree?
  private var node: Int32 = -1

  /// Asked after drawing whether the body is worth running.
  var gate: ((ChoiceSequence) -> Bool)?
  /// Whether the time of drawing is measured.
  private(set) var isTimed = false
  /// The number of a generated case of a run, from 1; nil of a case that is run again or shrunk.
  public private(set) var number: UInt64?

  init() {}

  /// Starts a new case.
  func begin(
    prefix: ChoiceSequence = ChoiceSequence(), tail: Tail, limit: Int, random: RandomStream,
    size: UInt64 = 256, avoiding tree: ChoiceTree? = nil, isTimed: Bool = false,
    number: UInt64? = nil
  ) {
    choices.removeAll(keepingCapacity: true)
    trail.removeAll(keepingCapacity: true)
    stop = nil
    isMisaligned = false
    depth = 0
    self.prefix = prefix
    self.tail = tail
    self.limit = limit
    self.random = random
    self.size = size
    if tail == .random { staysAbove = self.random.next() & 7 == 0 }
    self.tree = tree
    self.isTimed = isTimed
    self.number = number
    gate = nil
    node = tree == nil ? -1 : 0
  }

  /// Whether the case is over and the body will not run.
  public var isStopped: Bool { stop != nil }

  /// Gives the case up: it does not meet a precondition.
  public func discard() {
    if stop == nil { stop = .discarded }
  }

  /// The choices drawn so far.
  var sequence: ChoiceSequence { ChoiceSequence(choices) }

  /// Opens a span: the choices up to its end belong together and can be deleted or swapped as one.
  public func startSpan(_ label: SpanLabel) {
    if stop == nil { trail.append(label.event) }
  }

  /// Ends the innermost span; `discarded` if nothing of it is in the value.
  public func endSpan(discarded: Bool = false) {
    if stop == nil { trail.append(discarded ? -2 : -1) }
  }

  /// Draws the bits of a choice; `forced` leaves no choice but records one, and `suggested` takes the place of
  /// what chance would draw.
  public func draw(
    _ constraint: Constraint, forced: UInt64? = nil, suggested: UInt64? = nil
  ) -> UInt64 {
    if stop != nil { return forced ?? constraint.simplest }
    let position = choices.count
    guard position < limit else {
      stop = .overrun
      return forced ?? constraint.simplest
    }
    var bits: UInt64
    if let forced {
      bits = forced
    } else if position < prefix.choices.count {
      let replayed = prefix.choices[position]
      bits = replayed.bits
      if replayed.constraint.kind != constraint.kind || !constraint.permits(bits) {
        isMisaligned = true
        bits = constraint.simplest
      }
    } else {
      switch tail {
      case .overrun:
        stop = .overrun
        return constraint.simplest
      case .simplest: bits = constraint.simplest
      case .random:
        // What is drawn later does not depend on the suggestion.
        bits = randomBits(constraint)
        if let suggested, constraint.permits(suggested) { bits = suggested }
        if node >= 0 { bits = novel(bits, constraint) }
      }
    }
    if node >= 0, let tree { node = tree.child(of: node, bits) }
    choices.append(Choice(constraint: constraint, bits: bits, isForced: forced != nil))
    trail.append(0)
    return bits
  }

  /// Redraws what leads only to known cases.
  private func novel(_ bits: UInt64, _ constraint: Constraint) -> UInt64 {
    guard let tree, tree.isExhausted(tree.child(of: node, bits)) else { return bits }
    for _ in 0..<8 {
      let other = randomBits(constraint)
      if !tree.isExhausted(tree.child(of: node, other)) { return other }
    }
    let count = min(constraint.cardinality, 512)
    if constraint.kind == .float { return bits }
    for index in 0..<count {
      let other = constraint.kind == .boolean ? index : constraint.integer(atIndex: index) ?? bits
      if !tree.isExhausted(tree.child(of: node, other)) { return other }
    }
    return bits
  }
}

/// What a span is, so that spans of the same kind can stand in for each other.
public struct SpanLabel: Hashable, Sendable, BitwiseCopyable {
  @usableFromInline let event: Int32

  /// The label of `name`; the same in every process.
  public init(_ name: String) {
    var hash = FNV()
    hash.add(name)
    event = Int32(truncatingIfNeeded: (hash.value ^ hash.value >> 32) & 0x7FFF_FFFF) | 1
  }

  @usableFromInline static let element = SpanLabel("element")
  @usableFromInline static let list = SpanLabel("list")
  @usableFromInline static let alternative = SpanLabel("alternative")
  @usableFromInline static let mapped = SpanLabel("mapped")
  @usableFromInline static let attempt = SpanLabel("attempt")
  @usableFromInline static let recursive = SpanLabel("recursive")
  @usableFromInline static let tuple = SpanLabel("tuple")
}

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

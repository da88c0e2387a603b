// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// All cases seen, as a trie of choices: knows repeats, what is exhausted, and how an edited sequence
/// would end without running it. Flat arrays; up to a fixed number of nodes.
final class ChoiceTree {
  private struct Node: BitwiseCopyable {
    var constraint: Constraint?
    var forced: UInt64?
    var status: CaseStatus?
    var isExhausted = false
    var parent: Int32
    var exhaustedChildren: UInt64 = 0
  }

  private struct Edge: BitwiseCopyable {
    var bits: UInt64
    var parent: Int32
    var child: Int32
  }

  private var nodes: ContiguousArray<Node> = [Node(parent: -1)]
  private var edges: ContiguousArray<Edge>
  private var mask: Int
  private let capacity: Int
  /// Whether two executions drew differently after the same choices.
  private(set) var isInconsistent = false

  init(capacity: Int = 1 << 20) {
    self.capacity = capacity
    mask = 255
    edges = ContiguousArray(repeating: Edge(bits: 0, parent: -1, child: -1), count: 256)
  }

  /// Whether there is no case left that is not known.
  var isExhausted: Bool { nodes[0].isExhausted }

  func isExhausted(_ node: Int32) -> Bool { node >= 0 && nodes[Int(node)].isExhausted }

  /// The node reached by `bits`, or -1.
  func child(of parent: Int32, _ bits: UInt64) -> Int32 {
    var slot = Self.slot(parent, bits) & mask
    while edges[slot].child >= 0 {
      if edges[slot].parent == parent, edges[slot].bits == bits { return edges[slot].child }
      slot = (slot + 1) & mask
    }
    return -1
  }

  /// Records a case; gives how it ended before, if it was known.
  @discardableResult
  func insert(_ sequence: ChoiceSequence, _ status: CaseStatus) -> CaseStatus? {
    var node: Int32 = 0
    for choice in sequence.choices {
      if nodes[Int(node)].status != nil {
        isInconsistent = true
        return nil
      }
      if nodes[Int(node)].constraint == nil {
        nodes[Int(node)].constraint = choice.constraint
        nodes[Int(node)].forced = choice.isForced ? choice.bits : nil
      } else if nodes[Int(node)].constraint != choice.constraint {
        isInconsistent = true
        return nil
      }
      var next = child(of: node, choice.bits)
      if next < 0 {
        guard nodes.count < capacity else { return nil }
        next = Int32(nodes.count)
        nodes.append(Node(parent: node))
        add(Edge(bits: choice.bits, parent: node, child: next))
      }
      node = next
    }
    if let known = nodes[Int(node)].status { return known }
    if nodes[Int(node)].constraint != nil {
      // A case that was cut off says nothing about what lies beyond.
      if status != .overrun { isInconsistent = true }
      return nil
    }
    if status == .overrun { return nil }
    nodes[Int(node)].status = status
    exhaust(node)
    return nil
  }

  private func exhaust(_ leaf: Int32) {
    var node = leaf
    while node >= 0, !nodes[Int(node)].isExhausted {
      nodes[Int(node)].isExhausted = true
      node = nodes[Int(node)].parent
      guard node >= 0 else { return }
      nodes[Int(node)].exhaustedChildren += 1
      let count = nodes[Int(node)].forced != nil ? 1 : nodes[Int(node)].constraint?.cardinality
      guard nodes[Int(node)].exhaustedChildren == count else { return }
    }
  }

  /// How replaying a sequence would end, and what it would draw, if that is known.
  struct Prediction {
    var status: CaseStatus
    var realised: ChoiceSequence
  }

  /// Follows a sequence with no tail through the tree; `nil` where it leaves what is known.
  func predict(_ sequence: ChoiceSequence) -> Prediction? {
    var node: Int32 = 0
    var realised = ChoiceSequence()
    for choice in sequence.choices {
      guard let constraint = nodes[Int(node)].constraint else { break }
      var bits = choice.bits
      if let forced = nodes[Int(node)].forced {
        bits = forced
      } else if choice.constraint.kind != constraint.kind || !constraint.permits(bits) {
        bits = constraint.simplest
      }
      realised.choices.append(
        Choice(constraint: constraint, bits: bits, isForced: nodes[Int(node)].forced != nil))
      node = child(of: node, bits)
      if node < 0 { return nil }
    }
    if let status = nodes[Int(node)].status {
      return Prediction(status: status, realised: realised)
    }
    return nodes[Int(node)].constraint == nil
      ? nil : Prediction(status: .overrun, realised: realised)
  }

  private static func slot(_ parent: Int32, _ bits: UInt64) -> Int {
    var hash = bits &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(UInt32(bitPattern: parent))
    hash ^= hash >> 29
    hash = hash &* 0xBF58_476D_1CE4_E5B9
    return Int(truncatingIfNeeded: (hash ^ hash >> 32) & 0x7FFF_FFFF)
  }

  private func add(_ edge: Edge) {
    if nodes.count * 2 > edges.count {
      let old = edges
      mask = old.count * 2 - 1
      edges = ContiguousArray(
        repeating: Edge(bits: 0, parent: -1, child: -1), count: old.count * 2)
      for entry in old where entry.child >= 0 { place(entry) }
    }
    place(edge)
  }

  private func place(_ edge: Edge) {
    var slot = Self.slot(edge.parent, edge.bits) & mask
    while edges[slot].child >= 0 { slot = (slot + 1) & mask }
    edges[slot] = edge
  }
}

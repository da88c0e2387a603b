// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// What an adapter did in one step beside what is right, with all origins on disk.
struct Relation {
  let step: TracedStep
  let book: AddressBook
  let expected: [TracedMap.Output]
  let found: [TracedMap.Output]
  /// Outputs under an expected key.
  private(set) var matched: [Alignment] = []
  /// Outputs under a wrong key, laid over what was expected under another.
  private(set) var renamed: [Alignment] = []
  /// Expected outputs of which nothing was found.
  private(set) var missing: [TracedMap.Output] = []
  /// Outputs that nobody expected.
  private(set) var surplus: [TracedMap.Output] = []
  let isRepeatable: Bool

  /// Lays both maps over each other.
  ///
  /// - Parameter onDisk: The origin on disk of each address of the step's sources; nil if the
  ///   sources are those on disk.
  init(
    _ step: TracedStep, _ book: AddressBook, expected: TracedMap, found: TracedMap,
    onDisk: [Origin]?
  ) {
    self.step = step
    self.book = book
    self.expected = Self.translated(expected.outputs, onDisk)
    self.found = Self.translated(found.outputs, onDisk)
    isRepeatable = found.isRepeatable
    match()
  }

  /// All places whose contents can be told.
  var landings: [Landing] { (matched + renamed).flatMap(\.landings) }

  private static func translated(
    _ outputs: [TracedMap.Output], _ onDisk: [Origin]?
  ) -> [TracedMap.Output] {
    guard let onDisk else { return outputs }
    return outputs.map { output in
      var output = output
      output.origins = output.origins.map { origin in
        guard let address = origin.address else { return origin }
        return onDisk.indices.contains(address) ? onDisk[address] : .unknown
      }
      return output
    }
  }

  private mutating func match() {
    var positions: [TensorName: Int] = [:]
    for (position, output) in found.enumerated() where positions[output.name] == nil {
      positions[output.name] = position
    }
    var isUsed = [Bool](repeating: false, count: found.count)
    var absent: [TracedMap.Output] = []
    for output in expected {
      guard let position = positions[output.name] else {
        absent.append(output)
        continue
      }
      isUsed[position] = true
      matched.append(Alignment(output, found[position], book))
    }
    matchByContent(absent, isUsed)
  }

  /// Finds missing outputs again under other keys: those of exactly their elements first, then
  /// those of the same tensors on disk.
  private mutating func matchByContent(_ absent: [TracedMap.Output], _ isUsed: [Bool]) {
    var candidates = found.indices.filter { !isUsed[$0] }
    let sources = Dictionary(
      uniqueKeysWithValues: candidates.map { ($0, book.tensors(of: found[$0].origins)) })
    var partners: [Int?] = absent.map { output in
      guard let position = candidates.firstIndex(where: { found[$0].origins == output.origins })
      else { return nil }
      return candidates.remove(at: position)
    }
    for (number, output) in absent.enumerated() where partners[number] == nil {
      let wanted = book.tensors(of: output.origins)
      if let position = candidates.firstIndex(where: { sources[$0] == wanted && !wanted.isEmpty }) {
        partners[number] = candidates.remove(at: position)
      }
    }
    for (output, partner) in zip(absent, partners) {
      if let partner {
        renamed.append(Alignment(output, found[partner], book))
      } else {
        missing.append(output)
      }
    }
    surplus = candidates.map { found[$0] }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Tensors

/// What an adapter did in one step beside what is right, with all origins on disk.
struct TraceComparison {
  let step: ConversionStep
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
    _ step: ConversionStep, _ book: AddressBook, expected: TracedMap, found: TracedMap,
    onDisk: [Origin]?
  ) {
    self.step = step
    self.book = book
    self.expected = Self.translated(expected.outputs, onDisk)
    self.found = Self.translated(found.outputs, onDisk)
    isRepeatable = found.isRepeatable
    match()
  }

  /// Whether every element is in its place.
  var isRight: Bool {
    matched.count == expected.count && surplus.isEmpty
      && matched.allSatisfy { $0.found.origins == $0.expected.origins }
  }

  /// All places whose contents can be told.
  var landings: [TracedTensor] { (matched + renamed).flatMap(\.landings) }

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

/// One output laid over the output that was expected, part by part.
struct Alignment {
  /// How the shapes differ.
  enum Fit: Hashable {
    case same
    /// The found axes have this order of the expected ones.
    case permuted([Int])
    /// The found tensor has another number of experts.
    case slots
    /// The same number of elements in another shape.
    case reshaped
    case different
  }

  let expected: TracedMap.Output
  let found: TracedMap.Output
  let fit: Fit
  private(set) var landings: [TracedTensor] = []

  init(_ expected: TracedMap.Output, _ found: TracedMap.Output, _ book: AddressBook) {
    self.expected = expected
    self.found = found
    var origins = found.origins
    if expected.shape == found.shape {
      fit = .same
    } else if let (axes, permuted) = Self.permuted(expected, found) {
      fit = .permuted(axes)
      origins = permuted
    } else if Self.differsInSlots(expected.shape, found.shape) {
      fit = .slots
    } else if expected.shape.elementCount == found.shape.elementCount, !origins.isEmpty {
      fit = .reshaped
    } else {
      fit = .different
      return
    }
    addLandings(origins, book)
  }

  /// Cuts the expected output into the tensors on disk that make it up.
  private mutating func addLandings(_ origins: [Origin], _ book: AddressBook) {
    let slotCount = expected.shape.rank == 3 ? max(1, expected.shape[0]) : 1
    let slotSize = expected.shape.elementCount / slotCount
    guard slotSize > 0 else { return }
    var firstExpert: Int?
    for slot in 0..<(origins.count / slotSize) {
      // A surplus slot is read as the first one is.
      let template = slot < slotCount ? slot : 0
      for (target, cells) in parts(of: template, slotSize, book) {
        var expert = book.subjects[target].expert
        if template == 0 { firstExpert = firstExpert ?? expert }
        if slot != template { expert = firstExpert.map { $0 + slot } }
        let offset = (slot - template) * slotSize
        landings.append(
          TracedTensor(
            target, expert: expert, output: expected.name,
            cells.enumerated().map { element, cell in
              // Elements of a fused tensor that belong elsewhere are checked there.
              cell < 0 ? book.origin(target, element) : origins[cell + offset]
            }, book))
      }
    }
  }

  /// The places in the expected output of each element of each tensor in a slot.
  private func parts(
    of slot: Int, _ slotSize: Int, _ book: AddressBook
  ) -> [(target: Int, cells: [Int])] {
    var order: [Int] = []
    var cells: [Int: [Int]] = [:]
    for position in slot * slotSize..<(slot + 1) * slotSize {
      guard let (target, element) = book.locate(expected.origins[position]) else { continue }
      if cells[target] == nil {
        order.append(target)
        cells[target] = [Int](repeating: -1, count: book.schema[target].shape.elementCount)
      }
      cells[target]?[element] = position
    }
    return order.map { ($0, cells[$0] ?? []) }
  }

  private static func differsInSlots(_ expected: Shape, _ found: Shape) -> Bool {
    expected.rank == 3 && found.rank == 3 && expected[1] == found[1] && expected[2] == found[2]
      && expected[0] > 0
  }

  /// The order of axes under which the found elements best fit the expected shape.
  private static func permuted(
    _ expected: TracedMap.Output, _ found: TracedMap.Output
  ) -> (axes: [Int], origins: [Origin])? {
    guard expected.shape.rank == found.shape.rank, 2...3 ~= found.shape.rank,
      expected.shape.elementCount == found.shape.elementCount
    else { return nil }
    let candidates =
      found.shape.rank == 2
      ? [[1, 0]] : [[0, 2, 1], [2, 1, 0], [1, 0, 2], [1, 2, 0], [2, 0, 1]]
    var best: (axes: [Int], origins: [Origin], right: Int)?
    for axes in candidates where axes.map({ found.shape[$0] }) == expected.shape.extents {
      let origins = permute(found, axes, expected.shape)
      let right = zip(origins, expected.origins).count { $0 == $1 }
      if best.map({ right > $0.right }) ?? true { best = (axes, origins, right) }
    }
    return best.map { ($0.axes, $0.origins) }
  }

  private static func permute(
    _ found: TracedMap.Output, _ axes: [Int], _ shape: Shape
  ) -> [Origin] {
    let strides = found.shape.strides
    return (0..<shape.elementCount).map { position in
      let indices = shape.indices(at: position)
      return found.origins[zip(indices, axes).reduce(0) { $0 + $1.0 * strides[$1.1] }]
    }
  }
}

/// What an adapter put where the elements of one tensor on disk belong.
struct TracedTensor {
  /// The position in the schema of the tensor whose elements belong here.
  let target: Int
  /// Layer, expert and kind of the place; the expert is that of the slot in a grouped tensor.
  let layer: Int?
  let expert: Int?
  let kind: TensorKind
  /// The name of the output that holds the place.
  let output: TensorName
  /// The origin of each element, in the row-major order of the target.
  let origins: [Origin]
  /// The tensors that the elements come from.
  let sources: Set<Int>

  init(
    _ target: Int, expert: Int?, output: TensorName, _ origins: [Origin], _ book: AddressBook
  ) {
    let subject = book.subjects[target]
    self.target = target
    layer = subject.layer
    kind = subject.kind
    self.expert = expert
    self.output = output
    self.origins = origins
    sources = book.tensors(of: origins)
  }

  /// The one tensor that all elements with an origin come from.
  var source: Int? { sources.count == 1 ? sources.first : nil }

  /// Where in the source each element stood, or nil if some come from elsewhere.
  func sourceElements(_ book: AddressBook) -> [Int]? {
    guard source != nil else { return nil }
    var result: [Int] = []
    for origin in origins {
      guard let (_, element) = book.locate(origin) else { return nil }
      result.append(element)
    }
    return result
  }
}

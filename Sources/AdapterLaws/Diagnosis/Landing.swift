// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// What an adapter put where the elements of one tensor on disk belong.
struct Landing {
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

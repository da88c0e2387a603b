// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// The sources of a plan by name, those of the catalog by the numbers of their names.
struct SourceIndex {
  /// The number of each source's name, or nil where it is outside the catalog.
  let numbers: [Int?]
  private let catalog: NameCatalog
  private var sources: NumberedSources
  private var others: [TensorName: Int] = [:]

  init(_ infos: [TensorInfo], _ catalog: NameCatalog) {
    self.catalog = catalog
    numbers = infos.map { catalog.number(of: $0.name) }
    sources = NumberedSources(nameCount: catalog.count, expectedCount: infos.count)
    for (source, number) in numbers.enumerated() {
      if let number {
        _ = sources.update(source, forNumber: number)
      } else {
        others[infos[source].name] = source
      }
    }
  }

  /// Whether no source is in the catalog.
  var isForeign: Bool { others.count == numbers.count }

  /// The source of a number's name.
  subscript(number: Int) -> Int? { sources[number] }

  /// The source of a name.
  subscript(name: TensorName) -> Int? {
    catalog.number(of: name).map { self[$0] } ?? others[name]
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// What classifiers know of the checkpoint beside the relation.
struct DiagnosisContext {
  let spec: CheckpointSpec
  let checkpoint: Checkpoint
  let book: AddressBook
  /// Layers that hold experts, MTP layers included.
  let sparseLayers: [Int]
  let places: DiagnosisPlaces
  /// What the ranks of a group load, where that was asked.
  let ranks: [RankHolding]
  /// Whether the elements of native form are right once keys arrive in schema order.
  let isRightInSchemaOrder: Bool
  /// The native tensor that holds each tensor on disk.
  let nativeNames: [TensorName: TensorName]
  /// The tensors on disk that each native tensor holds, as positions in the schema.
  let parts: [TensorName: [Int]]

  init(
    _ spec: CheckpointSpec, _ checkpoint: Checkpoint, _ book: AddressBook,
    native: [TracedMap.Output], ranks: [RankHolding], isRightInSchemaOrder: Bool
  ) {
    self.ranks = ranks
    self.spec = spec
    self.checkpoint = checkpoint
    self.book = book
    self.isRightInSchemaOrder = isRightInSchemaOrder
    var nativeNames: [TensorName: TensorName] = [:]
    var parts: [TensorName: [Int]] = [:]
    for output in native {
      let tensors = book.tensors(of: output.origins).sorted()
      parts[output.name] = tensors
      for tensor in tensors { nativeNames[book.schema[tensor].name] = output.name }
    }
    self.nativeNames = nativeNames
    self.parts = parts
    let config = spec.config
    let stored = spec.storesMTP ? config.storedLayerCount : config.hiddenLayerCount
    sparseLayers = (0..<stored).filter { config.isSparse(layer: $0) }
    places = DiagnosisPlaces(
      subjects: book.subjects, dtypes: book.schema.map(\.dtype),
      mtpLayers: Array(config.hiddenLayerCount..<max(stored, config.hiddenLayerCount)),
      dropsMTP: LayoutOracle(spec).dropsMTP)
  }

  var mtpLayers: [Int] { places.mtpLayers }

  var layout: Layout { book.layout }

  /// The experts of a rank, or all.
  func experts(of parallelism: ExpertParallelism?) -> Range<Int> {
    LayoutOracle(spec).experts(of: parallelism)
  }

  /// Whether loading leaves out prediction layers.
  var dropsMTP: Bool { places.dropsMTP }

  /// The layers that have tensors of some kinds, without those that are dropped on load.
  func layers(of kinds: [TensorKind]) -> [Int] { places.layers(of: kinds) }

  /// Which of the MTP layers some are.
  func part(_ layers: Set<Int>) -> Diagnosis.Part {
    if layers.count == mtpLayers.count { return .all }
    guard layers.count == 1, let layer = layers.first else { return .some }
    if layer == mtpLayers.first { return .first }
    return layer == mtpLayers.last ? .last : .some
  }
}

/// What a checkpoint has on disk, by which the places of a fault are put into words.
struct DiagnosisPlaces {
  let subjects: [TensorSubject]
  /// The element types of the same tensors.
  let dtypes: [DType]
  let mtpLayers: [Int]
  /// Whether loading leaves out prediction layers.
  let dropsMTP: Bool

  init(subjects: [TensorSubject], dtypes: [DType], mtpLayers: [Int], dropsMTP: Bool) {
    (self.subjects, self.dtypes) = (subjects, dtypes)
    (self.mtpLayers, self.dropsMTP) = (mtpLayers, dropsMTP)
  }

  /// The places of a checkpoint with all layers of the config.
  init(_ config: ModelConfig, _ subjects: [TensorSubject], _ dtypes: [DType]) {
    self.init(
      subjects: subjects, dtypes: dtypes,
      mtpLayers: Array(config.hiddenLayerCount..<config.storedLayerCount), dropsMTP: false)
  }

  /// The layers that have tensors of some kinds, without those that are dropped on load.
  func layers(of kinds: [TensorKind]) -> [Int] {
    let layers = subjects.filter { kinds.contains($0.kind) }.compactMap(\.layer)
    return Set(layers.filter { !dropsMTP || !mtpLayers.contains($0) }).sorted()
  }
}

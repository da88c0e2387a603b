// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// Every name that the base tensors of a config have on disk or in native form, numbered, each with
/// its part in the layout.
///
/// Planners look a name up once and work with its number from there on. Keys outside the catalog,
/// such as LoRA factors and scales, are taken apart instead.
struct NameCatalog: Sendable {
  /// What the layout does with the tensor of a name.
  enum Role: Sendable {
    /// It has this name on both sides.
    case kept
    /// On disk; its native name has this number.
    case renamed(native: Int)
    /// On disk; it is a part of a group, of one expert or of all.
    case part(group: Int, expert: Int?)
    /// Native; its name on disk has this number.
    case original(onDisk: Int)
    /// Native; it is this group.
    case group(Int)
  }

  /// The grouped tensor of one layer.
  struct Group: Sendable {
    let layer: Int
    /// The position of its rule in the layout.
    let rule: Int
    /// All groups of the layer, of which none is of use without the others.
    let companions: Range<Int>
    /// Whether each part on disk is one expert's.
    let isNumbered: Bool
    /// The number of its native name.
    let native: Int
    /// The numbers of the parts' names on disk, those of one expert one behind the other in the
    /// order of the rule.
    fileprivate(set) var parts: [Int]
  }

  /// A multi-token prediction layer by the numbers of its names on disk.
  struct PredictionLayer: Sendable {
    /// A tensor that every layer has.
    let common: Int
    /// What decoder layers have not.
    let own: [Int]
  }

  /// The tensors of a whole checkpoint on disk; their positions are the numbers of their names.
  private(set) var schema: [TensorInfo]
  /// The numbers of the names on disk of multi-token prediction layers.
  let mtp: Range<Int>
  private(set) var groups: [Group] = []
  private(set) var predictionLayers: [PredictionLayer] = []
  private var onDiskRoles: [Role] = []
  /// The names that are native only; their numbers follow those of the schema.
  private var natives: [(name: TensorName, role: Role)] = []
  private let firstNative: Int
  private var numbers: [TensorName: Int] = [:]

  /// The number of names.
  var count: Int { firstNative + natives.count }

  /// The number of a name, or nil if it is not in the catalog.
  func number(of name: TensorName) -> Int? { numbers[name] }

  /// The name of a number.
  func name(of number: Int) -> TensorName {
    number < firstNative ? schema[number].name : natives[number - firstNative].name
  }

  /// What the layout does with the tensor of a number's name.
  func role(of number: Int) -> Role {
    number < firstNative ? onDiskRoles[number] : natives[number - firstNative].role
  }

  /// The shape that the schema gives a name on disk, or nil for names that are native only.
  func shape(onDisk number: Int) -> Shape? {
    number < firstNative ? schema[number].shape : nil
  }

  /// The number of the name that the data of a tensor on disk has in native form.
  func native(of number: Int) -> Int {
    switch role(of: number) {
    case .renamed(let native): native
    case .part(let group, _): groups[group].native
    case .kept, .original, .group: number
    }
  }
}

/// Filling a catalog, tensors on disk in the order of the schema.
extension NameCatalog {
  /// Numbers the names of a schema.
  init(_ schema: ModelSchema) {
    let config = schema.config
    let (before, after) = (
      schema.outside(afterLayers: false), schema.outside(afterLayers: true)
    )
    let counts = (0..<config.storedLayerCount).map { schema[$0].count }
    let firstMTP = counts[..<config.hiddenLayerCount].reduce(before.count, +)
    let endMTP = counts[config.hiddenLayerCount...].reduce(firstMTP, +)
    firstNative = endMTP + after.count
    mtp = firstMTP..<endMTP
    self.schema = []
    self.schema.reserveCapacity(firstNative)
    numbers.reserveCapacity(firstNative + firstNative / 4)

    for info in before { add(info, .kept) }
    for layer in 0..<config.storedLayerCount { add(layer, schema) }
    for info in after { add(info, .kept) }
  }

  private mutating func add(_ layer: Int, _ all: ModelSchema) {
    let (config, layout, start) = (all.config, all.config.layout, all.start(ofLayer: layer))
    let (firstGroup, firstName) = (groups.count, schema.count)
    // The groups of the layer, in the order in which the layout has them.
    let rules = layout.groups.indices.filter { group in
      layout.groups[group].kinds?.contains(config.kinds(ofLayer: layer)) ?? false
        && layout.groups[group].parts.contains { layout.tensors[$0].isPresent(all.values) }
    }
    for rule in rules {
      let group = layout.groups[rule]
      let native = add(native: TensorName(start + group.name), .group(groups.count))
      groups.append(
        Group(
          layer: layer, rule: rule, companions: firstGroup..<firstGroup + rules.count,
          isNumbered: layout.tensors[group.parts[0]].name.hasExpert, native: native, parts: []))
    }
    let tensors = all[layer]
    for tensor in tensors {
      let info = tensor.info(after: start)
      switch layout.tensors[tensor.rule].native {
      case .kept: add(info, .kept)
      case .renamed(let native):
        let name = TensorName(start + native.name(expert: tensor.expert ?? 0))
        add(info, .renamed(native: add(native: name, .original(onDisk: schema.count))))
      case .part(let rule, _):
        guard let group = rules.firstIndex(of: rule).map({ firstGroup + $0 }) else {
          add(info, .kept)
          continue
        }
        groups[group].parts.append(schema.count)
        add(info, .part(group: group, expert: tensor.expert))
      }
    }
    guard layer >= config.hiddenLayerCount else { return }
    let own = tensors.indices.filter { layout.tensors[tensors[$0].rule].kinds == .mtp }
    let common = tensors.indices.first { layout.tensors[tensors[$0].rule].kinds == .all }
    if let common, !own.isEmpty {
      predictionLayers.append(
        PredictionLayer(common: firstName + common, own: own.map { firstName + $0 }))
    }
  }

  private mutating func add(_ info: TensorInfo, _ role: Role) {
    numbers[info.name] = schema.count
    schema.append(info)
    onDiskRoles.append(role)
  }

  private mutating func add(native name: TensorName, _ role: Role) -> Int {
    numbers[name] = count
    natives.append((name, role))
    return count - 1
  }
}

/// The sources of a plan by name, those of the catalog by the numbers of their names.
struct SourceIndex {
  /// The number of each source's name, or nil where it is outside the catalog.
  let numbers: [Int?]
  private let catalog: NameCatalog
  private var sources: [Int?]
  private var others: [TensorName: Int] = [:]

  init(_ infos: [TensorInfo], _ catalog: NameCatalog) {
    self.catalog = catalog
    numbers = infos.map { catalog.number(of: $0.name) }
    sources = Array(repeating: nil, count: catalog.count)
    for (source, number) in numbers.enumerated() {
      if let number { sources[number] = source } else { others[infos[source].name] = source }
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

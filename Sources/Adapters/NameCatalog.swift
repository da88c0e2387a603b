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
    /// On disk; it is cut into the tensors of these native names.
    case cut(pieces: [Int])
    /// Native; it is a piece of the tensor of a name on disk.
    case piece(of: Int)
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
    /// The numbers of the parts' names on disk, those of one expert one after the other in the
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
  let schema: [TensorInfo]
  /// The numbers of the names on disk of multi-token prediction layers.
  let mtp: Range<Int>
  private(set) var groups: [Group] = []
  private(set) var predictionLayers: [PredictionLayer] = []
  private var onDiskRoles: [Role] = []
  /// The names that are native only; their numbers follow those of the schema.
  private var natives: [(name: TensorName, role: Role)] = []
  private var numbers: [TensorName: Int] = [:]
  /// What a tensor is that comes to have a number's name, where that is more than the name.
  private var forms: [Int: RenamedForm] = [:]
  /// The first row and the shape of the pieces that tensors on disk are cut into, by the numbers of their names.
  private(set) var pieceShapes: [Int: (start: Int, shape: Shape?)] = [:]

  /// Numbers the names of a schema, tensors on disk in its order.
  init(_ schema: ModelSchema) {
    let config = schema.config
    let places = schema.places()
    self.schema = schema.infos(of: places)
    let isMTP = { (place: TensorPlace) in place.layer.map { $0 >= config.hiddenLayerCount } ?? false
    }
    mtp =
      (places.firstIndex(where: isMTP) ?? 0)..<(places.lastIndex(where: isMTP).map { $0 + 1 } ?? 0)
    onDiskRoles.reserveCapacity(places.count)
    numbers.reserveCapacity(places.count + places.count / 4)
    var (layer, own): (Int?, Range<Int>) = (nil, 0..<0)
    for place in places {
      if place.layer != layer {
        layer = place.layer
        own = layer.map { addGroups(ofLayer: $0, schema) } ?? 0..<0
      }
      add(place, schema, own)
    }
    addPredictionLayers(places, config)
  }

  /// The number of names.
  var count: Int { schema.count + natives.count }

  /// The number of a name, or nil if it is not in the catalog.
  func number(of name: TensorName) -> Int? { numbers[name] }

  /// The name of a number.
  func name(of number: Int) -> TensorName {
    number < schema.count ? schema[number].name : natives[number - schema.count].name
  }

  /// What the layout does with the tensor of a number's name.
  func role(of number: Int) -> Role {
    number < schema.count ? onDiskRoles[number] : natives[number - schema.count].role
  }

  /// The shape that a source of a number on disk has in a direction, or nil for names that are native only.
  func shape(ofSource number: Int, _ direction: ConversionPlan.Direction) -> Shape? {
    guard number < schema.count else { return nil }
    if direction == .toHF, !pieceShapes.isEmpty, case .cut = role(of: number) { return nil }
    guard direction == .toHF, !forms.isEmpty, let native = forms[native(of: number)] else {
      return schema[number].shape
    }
    return native.shape
  }

  /// What a tensor is that comes to have a number's name, or nil where it only gets the name.
  func form(of number: Int) -> RenamedForm? { forms[number] }

  /// The number of the name that the data of a tensor on disk has in native form.
  func native(of number: Int) -> Int { native(of: number, role(of: number)) }

  private func native(of number: Int, _ role: Role) -> Int {
    switch role {
    case .renamed(let native): native
    case .part(let group, _): groups[group].native
    case .cut(let pieces): pieces.first ?? number
    case .kept, .original, .group, .piece: number
    }
  }

  /// Adds the groups of a layer in the order in which the layout has them.
  private mutating func addGroups(ofLayer layer: Int, _ schema: ModelSchema) -> Range<Int> {
    let layout = schema.config.layout
    let kinds = schema.config.kinds(ofLayer: layer)
    let rules = layout.groups.indices.filter { group in
      layout.groups[group].kinds?.contains(kinds) ?? false
        && layout.groups[group].parts.contains { layout.tensors[$0].isPresent(schema.values) }
    }
    let own = groups.count..<groups.count + rules.count
    for rule in rules {
      let group = layout.groups[rule]
      let native = layout.toNative(TensorName(schema.start(ofLayer: layer) + group.name))
      groups.append(
        Group(
          layer: layer, rule: rule, companions: own,
          isNumbered: layout.tensors[group.parts[0]].name.hasExpert,
          native: add(native: native, .group(groups.count)), parts: []))
    }
    return own
  }

  /// Adds a tensor on disk.
  ///
  /// - Parameter own: The groups of its layer.
  private mutating func add(_ place: TensorPlace, _ schema: ModelSchema, _ own: Range<Int>) {
    let number = onDiskRoles.count
    numbers[place.name] = number
    var role = Role.kept
    let layout = schema.config.layout
    func rename(_ name: TensorName) {
      let native = layout.toNative(name)
      guard native != place.name else { return }
      role = .renamed(native: add(native: native, .original(onDisk: number)))
    }
    switch layout.tensors[place.rule].native {
    case .kept:
      rename(place.name)
      if place.layer != nil, layout.tensors[place.rule].changesForm,
        let form = RenamedForm(layout.tensors[place.rule], place.values, .fromHF)
      {
        forms[native(of: number, role)] = form
      }
    case .renamed where !layout.tensors[place.rule].pieces.isEmpty:
      let pieces = layout.tensors[place.rule].pieces(place.values) ?? []
      role = .cut(
        pieces: pieces.map { piece in
          let name = TensorName(schema.start(ofLayer: place.layer ?? 0) + piece.name)
          let number = add(native: layout.toNative(name), .piece(of: number))
          pieceShapes[number] = (piece.start, try? Shape(piece.extents))
          return number
        })
    case .renamed(let native):
      guard let layer = place.layer else { return rename(place.name) }
      rename(TensorName(schema.start(ofLayer: layer) + native.name(expert: place.expert ?? 0)))
      if case .renamed(let native) = role, layout.tensors[place.rule].changesForm,
        let form = RenamedForm(layout.tensors[place.rule], place.values, .fromHF)
      {
        forms[native] = form
        forms[number] = RenamedForm(layout.tensors[place.rule], place.values, .toHF)
      }
    case .part(let rule, _):
      guard let group = own.first(where: { groups[$0].rule == rule }) else { break }
      groups[group].parts.append(number)
      role = .part(group: group, expert: place.expert)
    }
    onDiskRoles.append(role)
  }

  private mutating func add(native name: TensorName, _ role: Role) -> Int {
    numbers[name] = count
    natives.append((name, role))
    return count - 1
  }

  private mutating func addPredictionLayers(_ places: [TensorPlace], _ config: ModelConfig) {
    for layer in config.hiddenLayerCount..<config.storedLayerCount {
      let numbers = mtp.filter { places[$0].layer == layer }
      func kinds(_ number: Int) -> LayerKinds? { config.layout.tensors[places[number].rule].kinds }
      let own = numbers.filter { kinds($0) == .mtp }
      if let common = numbers.first(where: { kinds($0) == .all }), !own.isEmpty {
        predictionLayers.append(PredictionLayer(common: common, own: own))
      }
    }
  }
}

/// What becomes of a tensor beside its name, where the layout has no index formula for it.
struct RenamedForm: Sendable {
  /// The shape that it gets.
  let shape: Shape
  /// The views of both sides in which its elements have one order.
  let source, view: [Int]
  /// The elements that both sides have, the first in both views.
  let box: [Int]
  /// The type that it gets, or nil if it keeps its own.
  let dtype: DType?

  /// What becomes of a tensor in a direction, or nil if it only gets another name.
  init?(_ rule: TensorRule, _ values: LayoutValues, _ direction: ConversionPlan.Direction) {
    guard rule.changesForm, let disk = rule.extents(values),
      let native = rule.nativeExtents(values),
      let shape = try? Shape(direction == .fromHF ? native : disk)
    else { return nil }
    self.shape = shape
    let other = rule.isCropped ? native : disk
    (source, view) = direction == .fromHF ? (disk, other) : (other, disk)
    box = other
    dtype = direction == .fromHF ? rule.loadedType : nil
  }
}

extension NameCatalog.Role {
  /// Whether a plan of a direction may start from tensors of the name.
  func isSource(_ direction: ConversionPlan.Direction) -> Bool {
    switch self {
    case .kept: true
    case .renamed, .part, .cut: direction == .fromHF
    case .original, .group, .piece: direction == .toHF
    }
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

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

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

  /// Creates a catalog without names, for those of a number of tensors on disk.
  init(onDiskCount: Int, mtp: Range<Int>) {
    firstNative = onDiskCount
    self.mtp = mtp
    schema = []
    schema.reserveCapacity(onDiskCount)
    numbers.reserveCapacity(onDiskCount + onDiskCount / 4)
  }

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
  mutating func keep(_ info: TensorInfo) { add(info, .kept) }

  mutating func rename(_ info: TensorInfo, to native: TensorName) {
    let onDisk = schema.count
    add(info, .renamed(native: add(native: native, .original(onDisk: onDisk))))
  }

  mutating func addGroup(
    _ name: TensorName, layer: Int, rule: Int, companions: Range<Int>, isNumbered: Bool
  ) {
    let native = add(native: name, .group(groups.count))
    groups.append(
      Group(
        layer: layer, rule: rule, companions: companions, isNumbered: isNumbered, native: native,
        parts: []))
  }

  /// Adds a part after those that its group has.
  mutating func addPart(_ info: TensorInfo, group: Int, expert: Int?) {
    groups[group].parts.append(schema.count)
    add(info, .part(group: group, expert: expert))
  }

  /// Notes that the names added last are those of a prediction layer.
  ///
  /// - Parameters:
  ///   - common: The number of a name that every layer has.
  ///   - own: The numbers of those that decoder layers have not.
  mutating func endPredictionLayer(common: Int, own: [Int]) {
    predictionLayers.append(PredictionLayer(common: common, own: own))
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

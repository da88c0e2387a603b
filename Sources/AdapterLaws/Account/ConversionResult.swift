// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

package import Tensors

/// What came out of a conversion, and which input tensors were found in it.
///
/// Every place is the find of one input tensor, so that of two equal ones that land on one place one
/// is missed.
struct ConversionResult {
  let tensors: StateDict
  private var whole: [TensorName: TensorName] = [:]
  private var finds: [Slot: [Find]] = [:]
  /// The grouped tensors in which parts were found, each with the first input tensor.
  private var groups: [TensorName: TensorName] = [:]
  /// Which elements of grouped tensors were found to be some input's.
  private var taken: [TensorName: [Bool]] = [:]
  private var bits: [TensorName: [UInt64]] = [:]

  /// One expert's place in a grouped tensor.
  struct Slot: Hashable {
    let group: TensorName
    let number: Int
  }

  /// An input tensor in a slot, as which part it is there and with how many elements.
  struct Find {
    let name: TensorName
    let rule: Int
    let count: Int
  }

  init(_ tensors: StateDict) {
    self.tensors = tensors
  }

  /// The bit patterns of a tensor that came out, or of none.
  mutating func patterns(_ name: TensorName) -> [UInt64] {
    if let known = bits[name] { return known }
    let made = tensors[name]?.patterns ?? []
    bits[name] = made
    return made
  }

  /// The input tensor that a whole tensor was found to be.
  func owner(of name: TensorName) -> TensorName? { whole[name] }

  /// An input tensor that was found to be a tensor or a part of it.
  func holder(of name: TensorName) -> TensorName? { whole[name] ?? groups[name] }

  /// What was found in a slot.
  func finds(in slot: Slot) -> [Find] { finds[slot] ?? [] }

  /// Notes that a tensor is an input tensor; gives false if it is another already.
  mutating func claim(_ name: TensorName, for input: TensorName) -> Bool {
    if let owner = whole[name] { return owner == input }
    if groups[name] != nil { return false }
    whole[name] = input
    return true
  }

  /// Notes that elements of a grouped tensor are an input tensor; gives false if they are another already.
  ///
  /// - Parameter positions: The elements; -1 of what is not in the tensor.
  mutating func claim(
    _ positions: [Int], of group: TensorName, as place: PartPlace, for name: TensorName
  ) -> Bool {
    guard whole[group] == nil, let shape = tensors[group]?.shape else { return false }
    var counts: [Int: Int] = [:]
    for position in positions where position >= 0 {
      counts[Self.slot(of: position, shape, place), default: 0] += 1
    }
    let slots = counts.keys.map { Slot(group: group, number: $0) }
    if slots.contains(where: { finds(in: $0).contains { $0.name == name } }) { return true }
    var own = taken[group] ?? [Bool](repeating: false, count: shape.elementCount)
    // Another part of the expert may be the same elements.
    let mayShare =
      place.isRepeated
      && !slots.contains { finds(in: $0).contains { $0.rule == place.rule } }
    guard mayShare || !positions.contains(where: { $0 >= 0 && own[$0] }) else { return false }
    for position in positions where position >= 0 { own[position] = true }
    taken[group] = own
    for slot in slots {
      finds[slot, default: []].append(
        Find(name: name, rule: place.rule, count: counts[slot.number] ?? 0))
    }
    if groups[group] == nil { groups[group] = name }
    return true
  }

  private static func slot(of position: Int, _ shape: Shape, _ place: PartPlace) -> Int {
    guard let axis = place.expertAxis else { return 0 }
    return position / shape.strides[axis] % max(1, shape[axis])
  }
}

/// What became of a tensor that a conversion did not keep, the worst first.
package enum TensorFate: String, Sendable, Hashable, CaseIterable {
  /// Nothing of it came out.
  case lost
  /// Another tensor's data is where it should be.
  case overwritten
  /// It came out with another type, shape or other elements, or in another's place.
  case changed
  /// It came out and did not go in.
  case invented
}

/// A tensor that went into a conversion and is not found again, or one that came from nowhere.
package struct TensorLoss: Sendable {
  /// What became of it.
  package let fate: TensorFate
  /// The key that went in, or the one that came out of what was invented.
  package let name: TensorName
  /// The key that came out with something else.
  let home: TensorName?
  /// Whether only some experts of a grouped tensor are concerned.
  let isOfSomeExperts: Bool

  init(
    _ fate: TensorFate, _ name: TensorName, at home: TensorName? = nil,
    isOfSomeExperts: Bool = false
  ) {
    (self.fate, self.name, self.home) = (fate, name, home)
    self.isOfSomeExperts = isOfSomeExperts
  }

  /// Whether both tell of one tensor and one fate.
  func isSame(as other: TensorLoss) -> Bool { fate == other.fate && name == other.name }
}

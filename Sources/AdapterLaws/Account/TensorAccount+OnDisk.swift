// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Where native tensors stand on disk.
extension TensorAccount {
  func onDiskPlaces(of address: LenientKey, _ base: String) -> [Place] {
    if let whole = NativeWhole(native: address) { return [.split(base, whole)] }
    return address.onDiskName(layout).map { [.whole(TensorName(base + $0))] } ?? []
  }

  /// What became of one expert's slice, or of all where they are grouped on disk.
  private enum SliceFate {
    case found([TensorName])
    case absent
    case overwritten(TensorName, by: TensorName)
    case changed(TensorName, TensorLoss.Change)

    var isFound: Bool {
      if case .found = self { true } else { false }
    }
  }

  mutating func takeSplit(
    _ base: String, _ whole: NativeWhole, _ tensor: Tensor, _ address: LenientKey
  ) -> Bool {
    let fates = sliceFates(base, whole, tensor, address.name)
    var keys: [TensorName] = []
    for case .found(let names) in fates { keys += names }
    // What is found of it is found, even if the rest is not.
    let areFree = keys.map { result.claim($0, for: address.name) }
    return fates.allSatisfy(\.isFound) && !fates.isEmpty && areFree.allSatisfy { $0 }
  }

  /// What stands under the keys of a grouped tensor's parts; nil if there are none.
  mutating func splitLoss(
    _ base: String, _ whole: NativeWhole, _ tensor: Tensor, _ address: LenientKey
  ) -> TensorLoss? {
    let fates = sliceFates(base, whole, tensor, address.name)
    let place = whole.places(layout).first
    let offset = place.map { self.offset(tensor.shape, whole, $0) } ?? 0
    let isNumbered = place?.expertAxisOnDisk == nil
    func experts(_ slots: [Int]) -> [Int] { isNumbered ? slots.map { $0 + offset } : [] }
    var absent: [Int] = []
    var overwritten: [(slot: Int, key: TensorName, other: TensorName)] = []
    var changed: [(slot: Int, key: TensorName, change: TensorLoss.Change)] = []
    for (slot, fate) in fates.enumerated() {
      switch fate {
      case .found: break
      case .absent: absent.append(slot)
      case .overwritten(let key, let other): overwritten.append((slot, key, other))
      case .changed(let key, let change): changed.append((slot, key, change))
      }
    }
    guard absent.count < fates.count else { return nil }
    if !absent.isEmpty {
      var loss = TensorLoss(.lost, address.name)
      loss.experts = experts(absent)
      return loss
    }
    if let first = overwritten.first {
      var loss = TensorLoss(.overwritten, address.name)
      loss.experts = experts(overwritten.map(\.slot))
      (loss.home, loss.other) = (first.key, first.other)
      return loss
    }
    guard let first = changed.first else { return nil }
    var loss = TensorLoss(.changed, address.name)
    loss.experts = changed.count < fates.count ? experts(changed.map(\.slot)) : []
    (loss.home, loss.detail) = (first.key, first.change)
    return loss
  }

  private func sliceFates(
    _ base: String, _ whole: NativeWhole, _ tensor: Tensor, _ name: TensorName
  ) -> [SliceFate] {
    let places = whole.places(layout)
    guard let place = places.first, tensor.shape.rank == place.terms.count,
      tensor.shape.elementCount > 0
    else { return [] }
    let patterns = tensor.patterns
    let offset = offset(tensor.shape, whole, place)
    let depth =
      place.expertAxisOnDisk == nil ? place.expertAxis.map { tensor.shape[$0] } ?? 1 : 1
    return (0..<depth).map { slot in
      let keys = places.map { place in
        TensorName(base + whole.name(of: place, layout).name(expert: slot + offset))
      }
      return fate(Array(zip(keys, places)), Split(tensor, patterns, name, slot))
    }
  }

  /// A native tensor to be found in parts, at one expert's slot.
  private struct Split {
    let tensor: Tensor
    let patterns: [UInt64]
    let name: TensorName
    let slot: Int

    init(_ tensor: Tensor, _ patterns: [UInt64], _ name: TensorName, _ slot: Int) {
      (self.tensor, self.patterns, self.name, self.slot) = (tensor, patterns, name, slot)
    }
  }

  /// What became of a slice whose elements stand under the keys of its parts: shared by all, or each
  /// with its own.
  private func fate(_ keys: [(TensorName, PartPlace)], _ split: Split) -> SliceFate {
    let present = keys.filter { result.tensors[$0.0] != nil }
    guard let first = present.first else { return .absent }
    let isOnlyPart =
      keys.count { layout.tensors[$0.1.rule].isPresent(oracle.values) } < 2
    if keys.count > 1, isOnlyPart || first.1.isRepeated {
      for (key, place) in present where !holds(key, place.filling, split, starts: [nil]) {
        return instead(key, split, place.filling)
      }
      return .found(present.map(\.0))
    }
    guard let axis = first.1.sharedAxis, keys.count > 1 else {
      for (key, place) in present where !holds(key, place, split, starts: [nil]) {
        return instead(key, split, place)
      }
      return .found(present.map(\.0))
    }
    func rows(_ key: TensorName, _ place: PartPlace) -> Int {
      guard let shape = result.tensors[key]?.shape, let own = place.terms[axis].axis,
        shape.rank > own
      else { return 0 }
      return shape[own]
    }
    var before = 0
    for (key, place) in keys {
      // At its place or behind the parts before it; if both are off, elements are lost.
      if result.tensors[key] != nil, !holds(key, place, split, starts: [nil, before]) {
        return instead(key, split, place)
      }
      before += rows(key, place)
    }
    let counts = keys.map { rows($0.0, $0.1) }
    let share = split.tensor.shape[axis] / keys.count
    guard counts.contains(share), counts.reduce(0, +) == split.tensor.shape[axis] else {
      return .changed(first.0, .split(columns: split.tensor.shape[axis], rows: counts))
    }
    return .found(present.map(\.0))
  }

  /// Whether a tensor that came out is a part of the native one, from one of some starts on.
  private func holds(
    _ key: TensorName, _ place: PartPlace, _ split: Split, starts: [Int?]
  ) -> Bool {
    guard let there = result.tensors[key], there.dtype == split.tensor.dtype,
      result.owner(of: key) ?? split.name == split.name
    else { return false }
    let found = there.patterns
    return starts.contains { start in
      guard
        let positions = place.positions(
          of: there.shape, in: split.tensor.shape, slot: split.slot,
          held: 0..<0, start: start)
      else { return false }
      return zip(positions, found).allSatisfy { $0 < 0 || split.patterns[$0] == $1 }
    }
  }

  private func instead(_ key: TensorName, _ split: Split, _ place: PartPlace) -> SliceFate {
    guard let there = result.tensors[key] else { return .absent }
    if let owner = result.owner(of: key), owner != split.name {
      return .overwritten(key, by: owner)
    }
    if let own = input[key], own == there { return .overwritten(key, by: key) }
    if there.dtype != split.tensor.dtype {
      return .changed(key, .type(found: there.dtype, expected: split.tensor.dtype))
    }
    let extents = place.share(of: split.tensor.shape)
    return there.shape.extents == extents
      ? .changed(key, .elements)
      : .changed(key, .shape(found: "\(there.shape)", expected: "\(extents)"))
  }
}

extension PartPlace {
  /// The place of a part that has its native tensor for itself.
  fileprivate var filling: PartPlace {
    PartPlace(
      rule: rule,
      terms: terms.map { Term(axis: $0.axis, coefficient: 1, start: 0, isShared: false) },
      expertAxis: expertAxis, partCount: 1, isRepeated: isRepeated)
  }
}

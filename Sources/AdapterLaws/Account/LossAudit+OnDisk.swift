// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Where native tensors stand on disk.
extension LossAudit {
  func onDiskPlaces(of address: LenientKey, _ base: String) -> [Place] {
    if let whole = NativeWhole(native: address) { return [.split(base, whole)] }
    if let whole = cut(address), let rule = address.tensor {
      let number = layout.tensors[rule].pieces.firstIndex { $0.name == address.rest }
      return whole.places(layout).filter { $0.piece == number }.map {
        .slice(TensorName(base + whole.name(layout)), whole, $0)
      }
    }
    return address.otherName(layout, isOnDisk: false).map { [.whole(TensorName(base + $0))] } ?? []
  }

  /// What became of one expert's slice, or of all where they are grouped on disk.
  private enum SliceFate: Equatable {
    case found([TensorName])
    case absent
    case overwritten(TensorName)
    case changed(TensorName)
  }

  mutating func takeSplit(
    _ base: String, _ whole: NativeWhole, _ tensor: Tensor, _ address: LenientKey
  ) -> Bool {
    let fates = sliceFates(base, whole, tensor, address.name)
    var keys: [TensorName] = []
    for case .found(let names) in fates { keys += names }
    // What is found of it is found, even if the rest is not.
    let areFree = keys.map { result.claim($0, for: address.name) }
    let areFound = fates.allSatisfy { if case .found = $0 { true } else { false } }
    return areFound && !fates.isEmpty && areFree.allSatisfy { $0 }
  }

  /// What stands under the keys of a grouped tensor's parts; nil if there are none.
  mutating func splitLoss(
    _ base: String, _ whole: NativeWhole, _ tensor: Tensor, _ address: LenientKey
  ) -> TensorLoss? {
    let fates = sliceFates(base, whole, tensor, address.name)
    let isNumbered = whole.places(layout).first?.expertAxisOnDisk == nil
    guard fates.contains(where: { $0 != .absent }) else { return nil }
    if fates.contains(.absent) {
      return TensorLoss(.lost, address.name, isOfSomeExperts: isNumbered)
    }
    for case .overwritten(let key) in fates {
      return TensorLoss(.overwritten, address.name, at: key, isOfSomeExperts: isNumbered)
    }
    let changed = fates.compactMap { if case .changed(let key) = $0 { key } else { nil } }
    return changed.first.map { key in
      TensorLoss(
        .changed, address.name, at: key,
        isOfSomeExperts: isNumbered && changed.count < fates.count)
    }
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
      return fate(
        Array(zip(keys, places)), Split(tensor: tensor, patterns: patterns, name: name, slot: slot))
    }
  }

  /// A native tensor to be found in parts, at one expert's slot.
  private struct Split {
    let tensor: Tensor
    let patterns: [UInt64]
    let name: TensorName
    let slot: Int
  }

  /// What became of a slice whose elements stand under the keys of its parts: shared by all, or each
  /// with its own.
  private func fate(_ keys: [(TensorName, PartPlace)], _ split: Split) -> SliceFate {
    let present = keys.filter { result.tensors[$0.0] != nil }
    guard let first = present.first else { return .absent }
    let isOnlyPart =
      keys.count { layout.tensors[$0.1.rule].isPresent(oracle.values) } < 2
    if keys.count > 1, isOnlyPart || first.1.isRepeated {
      let wrong = present.first { !holds($0.0, $0.1.filling, split, starts: [nil]) }
      return wrong.map { instead($0.0, split) } ?? .found(present.map(\.0))
    }
    guard let axis = first.1.sharedAxis, keys.count > 1 else {
      let wrong = present.first { !holds($0.0, $0.1, split, starts: [nil]) }
      return wrong.map { instead($0.0, split) } ?? .found(present.map(\.0))
    }
    func rows(_ key: TensorName, _ place: PartPlace) -> Int {
      guard let shape = result.tensors[key]?.shape, let own = place.terms[axis].axis,
        shape.rank > own
      else { return 0 }
      return shape[own]
    }
    var before = 0
    for (key, place) in keys {
      // At its place or after the parts before it; if both are off, elements are lost.
      if result.tensors[key] != nil, !holds(key, place, split, starts: [nil, before]) {
        return instead(key, split)
      }
      before += rows(key, place)
    }
    let counts = keys.map { rows($0.0, $0.1) }
    let share = split.tensor.shape[axis] / keys.count
    guard counts.contains(share) || first.1.piece != nil,
      counts.reduce(0, +) == split.tensor.shape[axis]
    else {
      return .changed(first.0)
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

  private func instead(_ key: TensorName, _ split: Split) -> SliceFate {
    guard let there = result.tensors[key] else { return .absent }
    if let owner = result.owner(of: key), owner != split.name { return .overwritten(key) }
    return input[key] == there ? .overwritten(key) : .changed(key)
  }
}

extension PartPlace {
  /// The place of a part that has its native tensor for itself.
  fileprivate var filling: PartPlace {
    PartPlace(
      rule: rule,
      terms: terms.map { Term(axis: $0.axis, coefficient: 1, start: 0, isShared: false) },
      expertAxis: expertAxis, isRepeated: isRepeated)
  }
}

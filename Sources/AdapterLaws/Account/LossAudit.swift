// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
package import CheckpointGenerators
import Layouts
package import Tensors

/// Tells for every tensor that went into a conversion what became of it, whatever came out.
///
/// A tensor is found again under its own key or the one that the layout gives it, as an expert's
/// slice of a grouped tensor, as a low-rank factor, or, if its key is none of the layout's, under any
/// key that is no other's. Shapes are checked by each other, not by the config, which may be what is
/// wrong. Tensors that have no business in the result are not missed.
package struct LossAudit {
  let oracle: LayoutOracle
  let parallelism: ExpertParallelism?
  let isFromHF: Bool
  let input: StateDict
  var result: ConversionResult
  /// The places that hold no input tensor because one that should be there is missed.
  var blamed: Set<ConversionResult.Slot> = []
  /// The result's keys at which some input tensor may stand.
  var homes: Set<TensorName> = []
  /// The keys of the input by element type and shape.
  private var alike: [TensorInfo: [TensorName]] = [:]
  private var found: Set<TensorName> = []
  package private(set) var losses: [TensorLoss] = []

  /// Makes the account.
  ///
  /// - Parameter spec: The spec with the setup that the adapter was made for.
  /// - Complexity: O(elements), and O(places) for each input tensor that is not in its own.
  package init(
    of input: StateDict, in result: StateDict, _ side: CheckpointFaultKind.Side,
    _ spec: CheckpointSpec
  ) {
    oracle = LayoutOracle(spec)
    parallelism = spec.parallelism
    isFromHF = side == .onDisk
    self.input = input
    self.result = ConversionResult(result)
    for (name, tensor) in input { alike[Self.look(tensor), default: []].append(name) }
    let layout = spec.config.layout
    let addresses = input.names.map { LenientKey($0, layout) }
    let levels = addresses.map { places(of: $0) }
    for level in 0...2 {
      for (address, places) in zip(addresses, levels) where !found.contains(address.name) {
        if places[level].contains(where: { take($0, for: address) }) { found.insert(address.name) }
      }
    }
    for (address, places) in zip(addresses, levels) where found.contains(address.name) {
      for place in places[0] + places[1] { _ = take(place, for: address) }
    }
    for place in levels.joined().joined() {
      switch place {
      case .whole(let name), .slice(let name, _, _), .fused(let name, _, _): homes.insert(name)
      case .split: break
      }
    }
    findMoved()
    for (address, places) in zip(addresses, levels) where !found.contains(address.name) {
      if mayBeAbsent(address) { continue }
      if let loss = fate(of: address, places) { losses.append(loss) }
    }
    addInvented()
    losses = TensorFate.allCases.flatMap { fate in losses.filter { $0.fate == fate } }
  }

  /// Where a tensor may stand in the result.
  enum Place {
    /// A tensor of its own.
    case whole(TensorName)
    /// A part of a grouped tensor.
    case slice(TensorName, NativeWhole, PartPlace)
    /// A grouped tensor that holds a fused factor of all experts.
    case fused(TensorName, isA: Bool, becomesA: Bool)
    /// Its parts, each a tensor after a base.
    case split(String, NativeWhole)
  }

  var layout: Layout { oracle.layout }

  /// The prefixes under which the model's own keys stand.
  private var prefixes: [String] { [oracle.spec.prefix, layout.prefixes[0], ""] }

  /// The places of a tensor as the layout has it, as a generous reader has it, and under another
  /// prefix.
  private func places(of address: LenientKey) -> [[Place]] {
    var result: [[Place]] = [[.whole(address.name)], [], []]
    let other = TensorName(other(address.name.text))
    if other != address.name { result[0].append(.whole(other)) }
    guard let base = address.base else {
      // A wrapper's name before all others.
      let rest = address.name.text.drop { $0 != "." }.dropFirst()
      if !rest.isEmpty { result[2].append(.whole(TensorName(String(rest)))) }
      return result
    }
    result[address.isExact ? 0 : 1] += places(of: address, behind: self.other(base))
    guard let layer = address.layer, let plain = address.plainBase(layout) else { return result }
    if plain != base { result[1] += places(of: address, behind: self.other(plain)) }
    for prefix in prefixes where prefix != address.prefix {
      let start = layout.start(ofLayer: layer, under: prefix)
      result[2] += places(of: address, behind: isFromHF ? layout.toNative(start) : start)
    }
    return result
  }

  /// A name with the start that it has on the other side.
  private func other(_ name: String) -> String {
    isFromHF ? layout.toNative(name) : layout.toDisk(name)
  }

  private func places(of address: LenientKey, behind base: String) -> [Place] {
    let same: [Place] = base == address.base ? [] : [.whole(TensorName(base + address.rest))]
    return same + (isFromHF ? nativePlaces(of: address, base) : onDiskPlaces(of: address, base))
  }

  /// Notes that a tensor is in a place; gives false if something else is or nothing.
  private mutating func take(_ place: Place, for address: LenientKey) -> Bool {
    guard let tensor = input[address.name] else { return false }
    switch place {
    case .whole(let name):
      return (result.tensors[name] == tensor || isLike(tensor, at: name, address))
        && result.claim(name, for: address.name)
    case .slice(let name, _, let part):
      // Of a wrong shape, and yet all of it.
      let isWhole = part.expertAxisOnDisk != nil && result.tensors[name] == tensor
      return takeSlice(place, tensor, address) || isWhole && result.claim(name, for: address.name)
    case .fused(let name, let isA, let becomesA):
      let native = oracle.nativeFactor(tensor, isA: isA, becomesA: becomesA)
      return native != nil && native == result.tensors[name]
        && result.claim(name, for: address.name)
    case .split(let base, let group): return takeSplit(base, group, tensor, address)
    }
  }

  /// Whether a tensor is somewhere in the type and the shape that its rule gives it on the other side.
  private func isLike(_ tensor: Tensor, at name: TensorName, _ address: LenientKey) -> Bool {
    guard let there = result.tensors[name] else { return false }
    var expected = isFromHF ? oracle.castingAll(tensor) : tensor
    var isShaped = expected.shape == there.shape
    if let rule = address.tensor, let layer = address.layer {
      expected =
        isFromHF
        ? oracle.loaded(tensor, rule, layer: layer) : oracle.saved(tensor, rule, layer: layer)
      isShaped = expected.shape == there.shape || layout.tensors[rule].nativeExtents != nil
    }
    guard expected.dtype == there.dtype, isShaped,
      expected.shape.elementCount == there.shape.elementCount
    else { return false }
    let isCast = expected.dtype != tensor.dtype
    return zip(expected.patterns, there.patterns).allSatisfy { bits, found in
      // Any NaN will do for another, since a cast made it.
      bits == found || isCast && there.dtype.isNaN(bits) && there.dtype.isNaN(found)
    }
  }

  /// Finds tensors whole under keys that are no other tensor's.
  private mutating func findMoved() {
    var free: [TensorInfo: [TensorName]] = [:]
    for (name, tensor) in result.tensors
    where !homes.contains(name) && result.holder(of: name) == nil {
      free[Self.look(tensor), default: []].append(name)
    }
    for (name, tensor) in input where !found.contains(name) {
      let look = Self.look(tensor)
      guard let names = free[look],
        let position = names.firstIndex(where: { result.tensors[$0] == tensor })
      else { continue }
      free[look]?.remove(at: position)
      if result.claim(names[position], for: name) { found.insert(name) }
    }
  }

  /// Element type and shape.
  private static func look(_ tensor: Tensor) -> TensorInfo {
    TensorInfo("", tensor.dtype, tensor.shape)
  }

  /// What became of a tensor that was not found; nil of one in which there is nothing to lose.
  private mutating func fate(of address: LenientKey, _ places: [[Place]]) -> TensorLoss? {
    guard let tensor = input[address.name], tensor.shape.elementCount > 0 else { return nil }
    let splits = places[2].filter { if case .split = $0 { true } else { false } }
    for place in places[0] + places[1] + splits {
      let loss =
        switch place {
        case .whole(let name), .fused(let name, _, _):
          result.tensors[name].map { instead(of: address.name, name, $0) }
        case .slice: sliceLoss(place, tensor, address)
        case .split(let base, let group): splitLoss(base, group, tensor, address)
        }
      if let loss { return loss }
    }
    return TensorLoss(.lost, address.name)
  }

  /// What stands in the place of a tensor.
  func instead(of name: TensorName, _ home: TensorName, _ there: Tensor) -> TensorLoss {
    let owner = result.holder(of: home) ?? twin(of: there, besides: name)
    return TensorLoss(owner == nil ? .changed : .overwritten, name, at: home)
  }

  /// An input tensor that is the same.
  func twin(of tensor: Tensor, besides name: TensorName? = nil) -> TensorName? {
    alike[Self.look(tensor)]?.first { $0 != name && input[$0] == tensor }
  }

  mutating func add(_ loss: TensorLoss) { losses.append(loss) }
}

extension LossAudit {
  /// The experts that the process holds.
  var own: Range<Int> { oracle.experts(of: parallelism) }

  /// Whether a tensor rightly stays behind on load: prediction layers that the policy drops, and what
  /// belongs to experts of other ranks.
  private func mayBeAbsent(_ address: LenientKey) -> Bool {
    guard isFromHF, let layer = address.layer else { return false }
    let config = oracle.spec.config
    if oracle.dropsMTP, prefixes.contains(address.prefix),
      config.hiddenLayerCount..<config.storedLayerCount ~= layer
    {
      return true
    }
    guard parallelism != nil, let expert = address.expert else { return false }
    switch address.subject {
    case .factor, .fusedFactor: return false
    default: break
    }
    return expert < config.expertCount && !own.contains(expert)
  }

  /// The expert whose place the first slot of a grouped tensor is.
  func offset(_ native: Shape, _ whole: NativeWhole, _ place: PartPlace) -> Int {
    guard whole.isOfRanks, let axis = place.expertAxis, axis < native.rank else { return 0 }
    return native[axis] >= oracle.spec.config.expertCount ? 0 : own.lowerBound
  }
}

/// What came out and did not go in.
extension LossAudit {
  mutating func addInvented() {
    for (name, tensor) in result.tensors where tensor.shape.elementCount > 0 {
      if result.owner(of: name) != nil { continue }
      let whole = NativeWhole(native: LenientKey(name, layout))
      if isFromHF, homes.contains(name), let whole,
        let place = whole.places(layout).first, place.terms.count == tensor.shape.rank
      {
        addInventedSlots(name, tensor.shape, whole, place)
      } else if !homes.contains(name), !isOfSplit(name), twin(of: tensor) == nil {
        // A tied head may repeat the embedding.
        add(TensorLoss(.invented, name))
      }
    }
  }

  /// Whether a grouped tensor has a part for a key on disk.
  private func isOfSplit(_ name: TensorName) -> Bool {
    let address = LenientKey(name, layout)
    guard !isFromHF, let whole = NativeWhole(onDisk: address, layout),
      let place = whole.places(layout).first, let base = address.plainBase(layout)
    else { return false }
    let prefixes = [address.prefix, oracle.spec.prefix, layout.prefixes[0], ""]
    let bases =
      ([base] + prefixes.map { layout.start(ofLayer: address.layer ?? 0, under: $0) })
      .map { layout.toNative($0) }
    return bases.contains { base in
      guard let shape = input[TensorName(base + whole.name(layout))]?.shape,
        shape.rank == place.terms.count
      else { return false }
      guard let expert = address.expert, let axis = place.expertAxis else { return true }
      return (0..<shape[axis]).contains(expert - offset(shape, whole, place))
    }
  }

  /// Slots, or elements of them, in which no tensor is that went in.
  private mutating func addInventedSlots(
    _ group: TensorName, _ shape: Shape, _ whole: NativeWhole, _ place: PartPlace
  ) {
    let depth = place.expertAxis.map { shape[$0] } ?? 1
    let size = shape.elementCount / max(1, depth)
    var (areExperts, areParts) = (false, false)
    for number in 0..<depth {
      let slot = ConversionResult.Slot(group: group, number: number)
      if blamed.contains(slot) { continue }
      let finds = result.finds(in: slot)
      if finds.isEmpty {
        areExperts = true
      } else if !finds.contains(where: { $0.count == size }),
        finds.reduce(0, { $0 + $1.count }) < size, !addGap(finds, whole, group)
      {
        areParts = true
      }
    }
    for isInvented in [areExperts, areParts] where isInvented {
      add(TensorLoss(.invented, group, at: group, isOfSomeExperts: true))
    }
  }

  /// Elements between what the parts hold belong to the one that has too few; gives false if they belong
  /// to no input tensor.
  private mutating func addGap(
    _ finds: [ConversionResult.Find], _ whole: NativeWhole, _ group: TensorName
  ) -> Bool {
    let narrow = finds.min { $0.count < $1.count }
    let wanted = whole.places(layout).count { layout.tensors[$0.rule].isPresent(oracle.values) }
    guard let narrow, finds.count >= wanted else { return false }
    add(TensorLoss(.changed, narrow.name, at: group))
    return true
  }
}

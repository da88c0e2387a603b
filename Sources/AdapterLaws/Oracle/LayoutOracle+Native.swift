// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Adapters
import CheckpointGenerators
import Layouts
public import Tensors

/// The way from disk to native form.
extension LayoutOracle {
  /// The native form of a valid checkpoint, for one rank or for all experts.
  ///
  /// A grouped tensor comes where the last of its members was, LoRA groups after all else in the
  /// order of their first factors (of the first part that the group has), and what ParamWrapper fused
  /// after them. Where a layout moves what has another native name, that comes after the rest. Where
  /// groups change their type, a NaN is expected to become any NaN; ``castTensors(of:)`` tells where.
  ///
  /// - Complexity: O(elements).
  public func native(
    of onDisk: StateDict, _ parallelism: ExpertParallelism? = nil
  ) -> StateDict {
    let own = experts(of: parallelism)
    let sources = sources(onDisk)
    let members = GroupMembers(sources, self, own)
    var result = Collected()
    for (position, source) in sources.enumerated() {
      guard let key = source.key, let meaning = source.meaning else {
        result.append(source.tensor, names.native(source.name))
        continue
      }
      switch meaning {
      case .part(let group, _):
        guard let found = members[key, .group(group)],
          found.last == position,
          let formula = formula(of: group, layer: key.layer, own)
        else { continue }
        let target = layout.groups[group].isCast ? target : nil
        if let tensor = fill(formula, found.tensors, target) {
          result.append(tensor, names.native(key.named(layout.groups[group].name)))
        }
      case .companion:
        if source.expert.map({ own.contains($0) }) ?? true {
          result.append(source.tensor, names.native(source.name))
        }
      case .renamed(let name, let rule):
        result.append(
          loaded(source.tensor, rule, layer: key.layer), names.native(key.named(name)))
      case .cut(let rule):
        for (name, piece) in pieces(of: source.tensor, rule, layer: key.layer) {
          result.append(piece, names.native(key.named(name)))
        }
      case .factor, .fused, .group, .groupFactor, .piece: break
      }
    }
    for (key, lora, isA) in members.factors {
      guard let found = members[key, .groupFactor(lora: lora, isA: isA)],
        let tensor = filled(found.tensors, lora, isA: isA, layer: key.layer)
      else { continue }
      result.append(tensor, names.native(key.named(layout.factorName(lora, isA: isA))))
    }
    appendFused(sources, to: &result)
    return castingAll(result.stateDict)
  }

  /// The native pieces of a tensor: rows one after the other; none of a tensor of another shape.
  private func pieces(of tensor: Tensor, _ rule: Int, layer: Int) -> [(String, Tensor)] {
    let values = spec.config.values(values, ofLayer: layer)
    let rows = layout.tensors[rule].pieces.compactMap { $0.rows.value(values) }
    guard let height = tensor.shape.extents.first, rows.reduce(0, +) == height else { return [] }
    let (patterns, width) = (tensor.patterns, tensor.shape.elementCount / max(1, height))
    var start = 0
    return zip(layout.tensors[rule].pieces, rows).map { piece, count in
      defer { start += count * width }
      return (
        piece.name,
        Tensor(
          tensor.dtype, [count] + tensor.shape.extents.dropFirst(),
          patterns: Array(patterns[start..<start + count * width]))
      )
    }
  }

  /// The type that what is cast takes.
  var target: DType { layout.target(spec.options.targetDType) }

  /// Every tensor in the type that loading gives it, whatever it is.
  private func castingAll(_ native: StateDict) -> StateDict {
    guard layout.castsAll != nil else { return native }
    var result = Collected()
    for (name, tensor) in native { result.append(castingAll(tensor), name) }
    return result.stateDict
  }

  /// A tensor in the type that loading gives all, where it does.
  func castingAll(_ tensor: Tensor) -> Tensor {
    let type = layout.loaded(tensor.dtype, asked: spec.options.targetDType)
    guard type != tensor.dtype, let cast = RoundingOracle(from: tensor.dtype, to: type) else {
      return tensor
    }
    return Tensor(type, tensor.shape.extents, patterns: cast(tensor.patterns))
  }

  /// A tensor on disk with what its key says.
  struct Source {
    let name: TensorName
    let tensor: Tensor
    let key: OracleKey?
    let meaning: Meaning.What?
    /// The expert whose number the key has.
    let expert: Int?
  }

  /// The tensors that are loaded, in the order in which they are looked at.
  private func sources(_ onDisk: StateDict) -> [Source] {
    var result: [Source] = []
    result.reserveCapacity(onDisk.count)
    for (name, tensor) in onDisk {
      let key = key(name)
      if let key, dropsMTP, isMTP(key) { continue }
      let meaning = key.flatMap { self.meaning(onDisk: $0) }
      result.append(
        Source(
          name: name, tensor: tensor, key: key, meaning: meaning?.what, expert: meaning?.expert))
    }
    for rule in layout.order {
      let isLast: (Source) -> Bool =
        switch rule {
        case .moved: { $0.isMoved }
        case .renamed: { $0.isRenamed }
        case .beginning(let start): { $0.name.text.utf8.starts(with: start.utf8) }
        }
      result = result.filter { !isLast($0) } + result.filter(isLast)
    }
    return result
  }

  /// The native tensor of a group's members, or nil if some are missing or do not fit.
  ///
  /// - Parameter dtype: The type that members are cast to, or nil for their own.
  private func fill(
    _ formula: NativeFormula, _ members: [GroupMembers.Member], _ dtype: DType?
  ) -> Tensor? {
    let shape = formula.shape
    var patterns = [UInt64](repeating: 0, count: shape.reduce(1, *))
    var dtype = dtype
    for part in formula.parts {
      let own = members.filter { $0.rule == part.rule }
      let isNumbered = layout.tensors[part.rule].name.hasExpert
      guard own.count == (isNumbered ? formula.experts.count : 1) else { return nil }
      let positions = formula.positions(part, held: 0..<spec.config.expertCount)
      for member in own {
        dtype = dtype ?? member.tensor.dtype
        guard let target = dtype, member.tensor.shape.extents == part.extents,
          let cast = RoundingOracle(from: member.tensor.dtype, to: target),
          let start = formula.distance(part, expert: member.expert)
        else { return nil }
        for (position, bits) in zip(positions, cast(member.tensor.patterns)) where position >= 0 {
          patterns[start + position] = bits
        }
      }
    }
    return dtype.map { Tensor($0, shape, patterns: patterns) }
  }

  /// The native factor of all experts; gate and up share their A.
  private func filled(
    _ members: [GroupMembers.Member], _ lora: Int, isA: Bool, layer: Int
  ) -> Tensor? {
    guard let first = members.first, first.tensor.shape.rank == 2,
      let formula = formula(
        of: lora, isA: isA, layer: layer, rank: first.tensor.shape[isA ? 0 : 1])
    else { return nil }
    let parts = isA ? Array(formula.parts.prefix(1)) : formula.parts
    return fill(NativeFormula(parts, expertAxis: 0, formula.experts), members, nil)
  }

  /// The tensors of a native form that casts make.
  ///
  /// - Complexity: O(tensors).
  public func castTensors(of native: StateDict) -> Set<TensorName> {
    let castsExperts = spec.types.experts != target || layout.castsAll != nil
    guard castsExperts || layout.tensors.contains(where: forcesType) else { return [] }
    return Set(native.names.filter(isCast))
  }

  /// Whether loading gives a native tensor another type than it has on disk.
  func isCast(_ name: TensorName) -> Bool {
    if layout.castsAll != nil {
      let rule = LenientKey(names.onDisk(name), layout).tensor
      guard let rule = rule.map({ layout.tensors[$0] }), !rule.isOfExperts else {
        return rule == nil || spec.types.experts != target
      }
      return spec.types.type(of: rule) != target
    }
    guard let key = key(names.onDisk(name)) else { return false }
    switch meaning(native: key) {
    case .group(let group):
      return layout.groups[group].isCast && spec.types.experts != target
    case .renamed(_, let rule?): return forcesType(layout.tensors[rule])
    default: return false
    }
  }

  /// Whether loading gives a tensor another type, whatever is asked for.
  func forcesType(_ rule: TensorRule) -> Bool {
    rule.loadedType.map { $0 != spec.types.type(of: rule) } ?? false
  }

  /// A tensor on disk as it is natively where only its name, its type or its shape differs: its elements
  /// stay in row-major order, those of the first rows where it is cropped.
  func loaded(_ tensor: Tensor, _ rule: Int?, layer: Int) -> Tensor {
    guard let rule = rule.map({ layout.tensors[$0] }) else { return tensor }
    let type =
      rule.loadedType ?? layout.loaded(tensor.dtype, asked: spec.options.targetDType)
    guard rule.nativeExtents != nil || type != tensor.dtype,
      let cast = RoundingOracle(from: tensor.dtype, to: type)
    else { return tensor }
    return Self.shaped(
      tensor, type, rule.nativeExtents, spec.config.values(values, ofLayer: layer),
      cast(tensor.patterns), isCropped: rule.isCropped)
  }

  /// The tensor on disk of a native one, likewise.
  func saved(_ tensor: Tensor, _ rule: Int?, layer: Int) -> Tensor {
    guard let rule = rule.map({ layout.tensors[$0] }), rule.nativeExtents != nil else {
      return tensor
    }
    return Self.shaped(
      tensor, tensor.dtype, rule.axes.map(\.extent), spec.config.values(values, ofLayer: layer),
      tensor.patterns, isCropped: rule.isCropped)
  }

  private static func shaped(
    _ tensor: Tensor, _ dtype: DType, _ shape: [Expression]?, _ values: LayoutValues,
    _ patterns: [UInt64], isCropped: Bool
  ) -> Tensor {
    let extents = shape?.compactMap { $0.value(values) } ?? tensor.shape.extents
    guard let count = try? Shape(extents).elementCount, isCropped || count == patterns.count
    else {
      return Tensor(dtype, tensor.shape.extents, patterns: patterns)
    }
    let padding = [UInt64](repeating: 0, count: max(0, count - patterns.count))
    return Tensor(dtype, extents, patterns: patterns.prefix(count) + padding)
  }
}

extension LayoutOracle.Source {
  /// Whether the tensor has another name in native form and is no part of a group.
  fileprivate var isRenamed: Bool {
    if case .renamed(let name, _) = meaning { key?.tail != name[...] } else { false }
  }

  /// Whether the tensor has another place in native form.
  fileprivate var isMoved: Bool {
    switch meaning {
    case .part, .cut: true
    case .renamed: isRenamed
    default: false
    }
  }
}

extension OracleKey {
  /// The key of another tensor of the layer.
  func named(_ name: String) -> TensorName { TensorName("\(base)\(name)") }
}

/// Fused LoRA factors as PEFT's ParamWrapper writes them.
extension LayoutOracle {
  /// Appends the native forms of fused factors.
  func appendFused(_ sources: [Source], to result: inout Collected) {
    for source in sources {
      guard let key = source.key, case .fused(let lora, let isA) = source.meaning,
        let native = nativeFactor(source.tensor, isA: isA, becomesA: isA != isLegacy)
      else { continue }
      // Before PEFT 0.19.1 the file's A was the factor that is native B.
      result.append(
        native, names.native(key.named(layout.factorName(lora, isA: isA != isLegacy))))
    }
  }

  private var isLegacy: Bool { spec.lora?.layout == .legacyParamWrapper }

  /// A fused A is `[rank * experts, features]` and holds factor `(e, k, f)` at `[e * rank + k, f]`;
  /// a fused B is `[features, rank * experts]` and holds it at `[f, k * experts + e]`. The native A is
  /// `[experts, features, rank]`, the native B `[experts, rank, features]`.
  func nativeFactor(_ tensor: Tensor, isA: Bool, becomesA: Bool) -> Tensor? {
    guard tensor.shape.rank == 2 else { return nil }
    let experts = spec.config.expertCount
    let (fused, features) = (tensor.shape[isA ? 0 : 1], tensor.shape[isA ? 1 : 0])
    guard fused.isMultiple(of: experts) else { return nil }
    let rank = fused / experts
    let file = tensor.patterns
    var native: [UInt64] = []
    native.reserveCapacity(file.count)
    for e in 0..<experts {
      for outer in 0..<(becomesA ? features : rank) {
        for inner in 0..<(becomesA ? rank : features) {
          let (k, f) = becomesA ? (inner, outer) : (outer, inner)
          native.append(
            isA ? file[(e * rank + k) * features + f] : file[f * fused + k * experts + e])
        }
      }
    }
    let shape = [experts] + (becomesA ? [features, rank] : [rank, features])
    return Tensor(tensor.dtype, shape, patterns: native)
  }
}

/// The tensors on disk by the native tensor that they become part of.
struct GroupMembers {
  struct Member {
    let rule: Int
    let expert: Int?
    let tensor: Tensor
  }

  /// The members of a group or of its low-rank factors, and the position of the last one.
  struct Members {
    var tensors: [Member] = []
    var last = 0
  }

  private struct Whole: Hashable {
    let base: Substring
    let what: Meaning.What
  }

  private var members: [Whole: Members] = [:]
  /// In the order of the first factor of the first part that a group has.
  private(set) var factors: [(key: OracleKey, lora: Int, isA: Bool)] = []

  init(_ sources: [LayoutOracle.Source], _ oracle: LayoutOracle, _ own: Range<Int>) {
    var known: Set<Whole> = []
    for (position, source) in sources.enumerated() {
      guard let key = source.key else { continue }
      let (whole, rule): (Whole, Int)
      switch source.meaning {
      case .part(let group, let part):
        guard !own.isEmpty, source.expert.map(own.contains) ?? true else { continue }
        (whole, rule) = (Whole(base: key.base, what: .group(group)), part)
      case .factor(let lora, let part, let isA):
        (whole, rule) = (Whole(base: key.base, what: .groupFactor(lora: lora, isA: isA)), part)
        let values = oracle.spec.config.values(oracle.values, ofLayer: key.layer)
        let parts = oracle.layout.groups[oracle.layout.lora[lora].group].parts
        let first = parts.first { oracle.layout.tensors[$0].isPresent(values) }
        if rule == first, known.insert(whole).inserted { factors.append((key, lora, isA)) }
      default: continue
      }
      members[whole, default: Members()].tensors.append(
        Member(rule: rule, expert: source.expert, tensor: source.tensor))
      members[whole]?.last = position
    }
  }

  /// What becomes a native tensor of a key's layer.
  subscript(key: OracleKey, what: Meaning.What) -> Members? {
    members[Whole(base: key.base, what: what)]
  }
}

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
  /// A grouped tensor stands where the last of its members stood, LoRA groups behind all else in the
  /// order of their first factors (of the first part that the group has), and what ParamWrapper fused
  /// behind them. Where a layout moves what has another native name, that stands behind the rest. Where
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
        result.append(source.tensor, source.name)
        continue
      }
      switch meaning {
      case .part(let group, _):
        guard let found = members.weights[.init(base: key.base, group: group)],
          found.last == position,
          let formula = formula(of: group, layer: key.layer, own)
        else { continue }
        let target = layout.groups[group].isCast ? spec.options.targetDType : nil
        if let tensor = fill(formula, found.tensors, target) {
          result.append(tensor, key.named(layout.groups[group].name))
        }
      case .companion:
        if source.expert.map({ own.contains($0) }) ?? true {
          result.append(source.tensor, source.name)
        }
      case .renamed(let name): result.append(source.tensor, key.named(name))
      case .factor, .fused, .group, .groupFactor: break
      }
    }
    for factors in members.factors {
      if let tensor = filled(factors) { result.append(tensor, factors.name) }
    }
    appendFused(sources, to: &result)
    return result.stateDict
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
      if let key, isDropped(key) { continue }
      let meaning = key.flatMap { self.meaning(onDisk: $0) }
      result.append(
        Source(
          name: name, tensor: tensor, key: key, meaning: meaning?.what, expert: meaning?.expert))
    }
    guard layout.movesRenamed else { return result }
    return result.filter { !$0.isMoved } + result.filter(\.isMoved)
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
  private func filled(_ factors: GroupMembers.Factors) -> Tensor? {
    guard let first = factors.tensors.first, first.tensor.shape.rank == 2,
      let formula = formula(
        of: factors.lora, isA: factors.isA, layer: factors.layer,
        rank: first.tensor.shape[factors.isA ? 0 : 1])
    else { return nil }
    let parts = factors.isA ? Array(formula.parts.prefix(1)) : formula.parts
    return fill(
      NativeFormula(parts, expertAxis: 0, formula.experts), factors.tensors, nil)
  }

  /// The tensors of a native form that casts make.
  ///
  /// - Complexity: O(tensors).
  public func castTensors(of native: StateDict) -> Set<TensorName> {
    guard spec.types.experts != spec.options.targetDType else { return [] }
    return Set(native.names.filter { group(of: $0)?.isCast ?? false })
  }
}

extension LayoutOracle.Source {
  /// Whether the tensor has another place in native form.
  fileprivate var isMoved: Bool {
    switch meaning {
    case .part, .renamed: true
    default: false
    }
  }
}

extension OracleKey {
  /// The key of another tensor of the layer.
  func named(_ name: String) -> TensorName { TensorName("\(base)\(name)") }
}

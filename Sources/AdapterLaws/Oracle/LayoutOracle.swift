// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Adapters
public import CheckpointGenerators
import Layouts
public import Tensors

/// What a correct adapter gives, stated by index and without the adapter's rules.
///
/// The statement is the layout's table; the order of the keys is that of nemo-automodel 0.7.0. What is
/// not part of a valid checkpoint has no right form: of groups that are incomplete or ragged nothing
/// comes, and of two tensors that land on one name the first stays.
public struct LayoutOracle: Sendable {
  let spec: CheckpointSpec
  let layout: Layout
  /// What sizes and conditions are evaluated with outside layers.
  let values: LayoutValues
  let names: OracleNames

  /// Creates the oracle of a spec.
  public init(_ spec: CheckpointSpec) {
    self.spec = spec
    layout = spec.config.layout
    values = spec.config.values(isGated: spec.options.activation.isGated)
    names = OracleNames.of(layout)
  }

  /// The experts of a rank, or all.
  ///
  /// A rank owns as many as if experts were dealt out one by one, but neighbors.
  func experts(of parallelism: ExpertParallelism?) -> Range<Int> {
    let all = 0..<spec.config.expertCount
    guard let parallelism else { return all }
    let before = all.count { $0 % parallelism.size < parallelism.rank }
    let own = all.count { $0 % parallelism.size == parallelism.rank }
    return before..<before + own
  }

  /// A key of a layer, or nil for other keys.
  func key(_ name: TensorName) -> OracleKey? { OracleKey(name, names.block) }

  /// What a key on disk says and of which expert, or nil of one that stays as it is.
  func meaning(onDisk key: OracleKey) -> (what: Meaning.What, expert: Int?)? {
    names.meaning(onDisk: key.tail, spec.config.kinds(ofLayer: key.layer))
  }

  /// What a native key says, or nil of one that stays as it is.
  func meaning(native key: OracleKey) -> Meaning.What? {
    names.meaning(native: key.tail, spec.config.kinds(ofLayer: key.layer))
  }

  /// The group that a native key names, or nil.
  func group(of name: TensorName) -> NativeGroup? {
    guard let key = key(names.onDisk(name)), case .group(let group) = meaning(native: key) else {
      return nil
    }
    return layout.groups[group]
  }

  /// Whether the options and the layout have multi-token prediction layers left out on load.
  var dropsMTP: Bool {
    spec.options.mtpPolicy == .drop && layout.layers.prediction?.isDroppedOnLoad ?? false
  }

  /// Whether a key is of a layer of the model after the decoder layers.
  func isMTP(_ key: OracleKey) -> Bool {
    key.layer >= spec.config.hiddenLayerCount
      && [layout.prefixes[0], "", spec.prefix].contains { key.prefix == $0 }
  }
}

/// Tensors in order, of which the first of a name stays.
struct Collected {
  private var names: Set<TensorName> = []
  private(set) var pairs: [(TensorName, Tensor)] = []

  mutating func append(_ tensor: Tensor, _ name: TensorName) {
    if names.insert(name).inserted { pairs.append((name, tensor)) }
  }

  var stateDict: StateDict {
    // No name occurs twice, which is the only thing that could keep it from being made.
    (try? StateDict(pairs)) ?? StateDict()
  }
}

/// The way from native form to disk.
extension LayoutOracle {
  /// The checkpoint on disk of a valid native form: each tensor's in place, but what is joined of pieces, which
  /// comes last.
  ///
  /// - Complexity: O(elements).
  public func onDisk(
    of native: StateDict, _ parallelism: ExpertParallelism? = nil
  ) -> StateDict {
    var result = Collected()
    var wholes: [(name: TensorName, pieces: [Tensor?])] = []
    for (name, tensor) in native {
      if let key = key(names.onDisk(name)), case .piece(let rule, let number) = meaning(native: key)
      {
        let whole = key.named(layout.tensors[rule].name.start)
        if !wholes.contains(where: { $0.name == whole }) {
          wholes.append((whole, layout.tensors[rule].pieces.map { _ in nil }))
        }
        let position = wholes.firstIndex { $0.name == whole } ?? 0
        wholes[position].pieces[number] = tensor
        continue
      }
      for (name, part) in onDisk(of: name, tensor, parallelism) { result.append(part, name) }
    }
    for (name, pieces) in wholes {
      let found = pieces.compactMap(\.self)
      guard found.count == pieces.count, let first = found.first else { continue }
      let height = found.reduce(0) { $0 + ($1.shape.extents.first ?? 0) }
      result.append(
        Tensor(
          first.dtype, [height] + first.shape.extents.dropFirst(),
          patterns: found.flatMap(\.patterns)), name)
    }
    return result.stateDict
  }

  /// The tensors on disk of one native tensor: the experts of a group one after the other, their parts
  /// in the order of the table.
  ///
  /// - Complexity: O(elements).
  public func onDisk(
    of name: TensorName, _ tensor: Tensor, _ parallelism: ExpertParallelism? = nil
  ) -> [(TensorName, Tensor)] {
    let name = names.onDisk(name)
    guard let key = key(name), let meaning = meaning(native: key) else { return [(name, tensor)] }
    switch meaning {
    case .renamed(let name, let rule):
      return [(key.named(name), saved(tensor, rule, layer: key.layer))]
    case .group(let group):
      return formula(of: group, layer: key.layer, experts(of: parallelism)).map {
        split(tensor, key, $0) { $0 }
      } ?? []
    case .groupFactor(let lora, let isA):
      guard tensor.shape.rank == 3,
        let formula = formula(
          of: lora, isA: isA, layer: key.layer, rank: tensor.shape[isA ? 2 : 1])
      else { return [] }
      return split(tensor, key, formula) { $0.ending(isA ? "lora_A.weight" : "lora_B.weight") }
    default: return [(name, tensor)]
    }
  }

  /// The tensors that a native tensor is made of, nothing if it has not their shape.
  private func split(
    _ tensor: Tensor, _ key: OracleKey, _ formula: NativeFormula,
    _ name: (NamePattern) -> NamePattern
  ) -> [(TensorName, Tensor)] {
    guard tensor.shape.extents == formula.shape else { return [] }
    let patterns = tensor.patterns
    let parts = formula.parts.map { part in
      (part, name(layout.tensors[part.rule].name), formula.positions(part, held: formula.experts))
    }
    func onDisk(_ part: PartFormula, _ name: NamePattern, _ positions: [Int], _ expert: Int)
      -> (TensorName, Tensor)?
    {
      formula.distance(part, expert: name.hasExpert ? expert : nil).map { start in
        var extents = part.extents
        if let axis = formula.expertAxis.flatMap({ part.terms[$0].axis }) {
          extents[axis] = formula.experts.count
        }
        return (
          key.named(name.name(expert: expert)),
          Tensor(tensor.dtype, extents, patterns: positions.map { patterns[start + $0] })
        )
      }
    }
    let ofAll = parts.filter { !$0.1.hasExpert }.compactMap { onDisk($0.0, $0.1, $0.2, 0) }
    return ofAll
      + formula.experts.flatMap { expert in
        parts.filter { $0.1.hasExpert }.compactMap { onDisk($0.0, $0.1, $0.2, expert) }
      }
  }
}

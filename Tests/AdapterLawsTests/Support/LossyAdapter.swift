// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// An adapter that converts anything and refuses nothing, written apart from the one of this package:
/// what it has no rule for passes through, but for what it is told to spoil.
struct LossyAdapter: AdapterUnderTest {
  /// A way in which adapters lose data without a word.
  enum Way: String, Sendable, CaseIterable {
    case dropsSurplusExperts
    case dropsInverseScales
    case letsLastWin
    case dropsIncompleteGroups
    case reshapes
    case dropsLayersFromHidden
    case broadcasts
    case truncatesOddHalves
    case inventsZeros
    case dropsSurplusSlots
    case castsIntegers
    case renumbers
    case dropsAll
    /// Loses the head of every checkpoint, valid ones too.
    case dropsHead
  }

  let name = "lossy"
  let invalidInputContract = InvalidInputContract.losesNothing
  var way: Way?

  init(_ way: Way? = nil) {
    self.way = way
  }

  func session(for setup: AdapterSetup) -> any AdapterSession { Session(setup: setup, way: way) }

  struct Session: AdapterSession {
    let setup: AdapterSetup
    let way: Way?

    func convertSingleTensorToHF(
      _ name: TensorName, _ tensor: Tensor, excluding: String, _ parallelism: ExpertParallelism?
    ) throws -> [(name: TensorName, tensor: Tensor)] {
      Array(try toHF(StateDict([(name, tensor)]), excluding: excluding, parallelism))
    }

    func isMTPKey(_ name: TensorName) -> Bool {
      key(name).map { $0.layer >= setup.config.hiddenLayerCount } ?? false
    }
  }
}

extension LossyAdapter.Session {
  private struct Key {
    let base: String
    let layer: Int
    let rest: String
    var expert: Int?
    var projection = ""
    var suffix = ""
  }

  private func key(_ name: TensorName) -> Key? {
    let parts = name.text.split(separator: ".", omittingEmptySubsequences: false)
    guard let at = parts.firstIndex(of: "layers"), at + 2 < parts.count,
      let layer = number(parts[at + 1])
    else { return nil }
    let tail = parts[(at + 2)...].map(String.init)
    var key = Key(
      base: parts[...(at + 1)].map { "\($0)." }.joined(), layer: layer,
      rest: tail.joined(separator: "."))
    if tail.count > 4, tail[..<2] == ["mlp", "experts"], let expert = number(tail[2][...]),
      ["gate_proj", "up_proj", "down_proj"].contains(tail[3])
    {
      let suffix = tail[4...].joined(separator: ".")
      guard ["weight", "lora_A.weight", "lora_B.weight"].contains(suffix) else { return key }
      (key.expert, key.projection, key.suffix) = (expert, tail[3], suffix)
    }
    return key
  }

  private func number(_ text: Substring) -> Int? {
    Int(text).flatMap { "\($0)" == text && $0 >= 0 ? $0 : nil }
  }

  private var isGated: Bool { setup.options.activation.isGated }

  private func renamed(_ key: Key, _ renames: [(String, String)]) -> TensorName {
    for (old, new) in renames where key.rest.hasPrefix(old) {
      return TensorName("\(key.base)\(new)\(key.rest.dropFirst(old.count))")
    }
    return TensorName(key.base + key.rest)
  }

  private static let renames = [
    ("mlp.expert_bias", "mlp.gate.e_score_correction_bias"),
    ("mlp.router.gate.weight", "mlp.gate.weight"), ("mlp.shared_mlp.", "mlp.shared_experts."),
  ]

  /// A result in which a key that is taken keeps its tensor and the other stays under its own key.
  private struct Output {
    var names: [TensorName] = []
    var tensors: [TensorName: Tensor] = [:]
    let letsLastWin: Bool

    mutating func put(_ tensor: Tensor, _ name: TensorName, or other: TensorName) {
      let place = tensors[name] == nil || letsLastWin ? name : other
      if tensors[place] == nil { names.append(place) }
      tensors[place] = tensor
    }

    func stateDict() throws -> StateDict {
      try StateDict(names.compactMap { name in tensors[name].map { (name, $0) } })
    }
  }

  func fromHF(_ onDisk: StateDict, _ parallelism: ExpertParallelism?) throws -> StateDict {
    if way == .dropsAll { return StateDict() }
    let config = setup.config
    let own = parallelism?.experts(of: config.expertCount) ?? 0..<config.expertCount
    var output = Output(letsLastWin: way == .letsLastWin)
    var groups: [String: [Int: [String: (name: TensorName, tensor: Tensor)]]] = [:]
    var order: [String] = []
    for (name, tensor) in onDisk {
      if way == .dropsHead, name == "lm_head.weight" { continue }
      if way == .dropsInverseScales, name.text.hasSuffix("_scale_inv") { continue }
      guard let key = key(name) else {
        output.put(tensor, name, or: name)
        continue
      }
      let isMTP = config.hiddenLayerCount..<config.storedLayerCount ~= key.layer
      if setup.options.mtpPolicy == .drop,
        ["model.", ""].contains(where: { key.base.hasPrefix("\($0)layers") })
      {
        if isMTP || (way == .dropsLayersFromHidden && key.layer >= config.hiddenLayerCount) {
          continue
        }
      }
      guard let expert = key.expert else {
        let taken = renamed(key, Self.renames)
        output.put(tensor, onDisk[taken] != nil && way != .letsLastWin ? name : taken, or: name)
        continue
      }
      if key.suffix == "weight" {
        if expert < config.expertCount, !own.contains(expert) { continue }
        if way == .dropsSurplusExperts, expert >= config.expertCount { continue }
      }
      let isDown = key.projection == "down_proj"
      let group =
        switch key.suffix {
        case "weight": isDown ? "down_projs" : "gate_and_up_projs"
        case "lora_A.weight": isDown ? "lora_down_A" : "lora_gate_and_up_A"
        default: isDown ? "lora_down_B" : "lora_gate_and_up_B"
        }
      let full = "\(key.base)mlp.experts.\(group)"
      if groups[full] == nil { order.append(full) }
      groups[full, default: [:]][expert, default: [:]][key.projection] = (name, tensor)
    }
    for full in order {
      try group(full, groups[full] ?? [:], own, onDisk, &output)
    }
    return try output.stateDict()
  }

  private func group(
    _ full: String, _ experts: [Int: [String: (name: TensorName, tensor: Tensor)]],
    _ own: Range<Int>,
    _ onDisk: StateDict, _ output: inout Output
  ) throws {
    let isFactor = full.contains(".lora_")
    let isA = full.hasSuffix("_A")
    let projections =
      full.contains("down") ? ["down_proj"] : isGated ? ["gate_proj", "up_proj"] : ["up_proj"]
    let wanted = isFactor ? 0..<setup.config.expertCount : own
    let numbers = way == .renumbers ? experts.keys.sorted() : Array(wanted)
    let all = experts.keys.sorted().flatMap { number in
      (experts[number] ?? [:]).sorted { $0.key < $1.key }.map {
        (number: number, key: $0.key, $0.value)
      }
    }
    func pass() {
      for entry in all { output.put(entry.2.tensor, entry.2.name, or: entry.2.name) }
    }
    let shapes = Set(all.map { $0.2.tensor.shape })
    let types = Set(all.map { $0.2.tensor.dtype })
    let expected = wanted.count * projections.count
    let isComplete =
      Set(experts.keys) == Set(wanted)
      && all.allSatisfy { projections.contains($0.key) } && all.count == expected
    let target = isFactor ? types.first ?? .bf16 : setup.options.targetDType
    let isSound =
      isComplete && shapes.count == 1 && types.count == 1 && shapes.first?.rank == 2
      && (types.first?.isFloatingPoint ?? false)
    let differs =
      isA && projections.count > 1
      && experts.values.contains { $0["gate_proj"]?.tensor != $0["up_proj"]?.tensor }
    let isTaken = onDisk[TensorName(full)] != nil && way != .letsLastWin
    if isSound, !differs, !isTaken {
      try stack(full, numbers, experts, isA ? [projections[0]] : projections, target, &output)
      return
    }
    switch way {
    case .dropsIncompleteGroups where !isComplete: return
    case .renumbers where all.count == expected && shapes.count == 1 && types.count == 1:
      try stack(full, numbers, experts, isA ? [projections[0]] : projections, target, &output)
    case .letsLastWin where isComplete && shapes.count == 1 && types.count == 1,
      .castsIntegers where isComplete && shapes.count == 1,
      .reshapes where isComplete, .broadcasts where isComplete, .inventsZeros:
      try stack(full, numbers, experts, isA ? [projections[0]] : projections, target, &output)
    default: pass()
    }
  }

  /// The experts after one another, transposed, with matrices of other shapes forced into that of the
  /// model.
  private func stack(
    _ full: String, _ numbers: [Int],
    _ experts: [Int: [String: (name: TensorName, tensor: Tensor)]],
    _ parts: [String], _ target: DType, _ output: inout Output
  ) throws {
    let (hidden, inter) = (setup.config.hiddenSize, setup.config.moeIntermediateSize)
    let sample = experts.values.flatMap(\.values).first?.tensor.shape
    let model = full.contains("down") ? [hidden, inter] : [inter, hidden]
    let isForced = [.reshapes, .broadcasts, .inventsZeros, .castsIntegers].contains(way)
    let (rows, columns) =
      full.contains(".lora_") || !isForced
      ? (sample?[0] ?? 0, sample?[1] ?? 0) : (model[0], model[1])
    let whole = try Shape([numbers.count, columns, rows * parts.count])
    let result = try Tensor(target, whole) { index in
      let (outer, place) = index.quotientAndRemainder(dividingBy: rows * parts.count)
      let (slot, column) = outer.quotientAndRemainder(dividingBy: columns)
      let (part, row) = place.quotientAndRemainder(dividingBy: rows)
      guard let tensor = experts[numbers[slot]]?[parts[part]]?.tensor,
        tensor.shape.elementCount > 0
      else { return 0 }
      let position = row * columns + column
      let bits = tensor.bits(at: position % tensor.shape.elementCount)
      return tensor.dtype == target
        ? bits : (try? Cast(from: tensor.dtype, to: target))?(bits: bits) ?? bits
    }
    output.put(result, TensorName(full), or: TensorName(full))
  }

  func toHF(
    _ native: StateDict, excluding: String, _ parallelism: ExpertParallelism?
  ) throws -> StateDict {
    if way == .dropsAll { return StateDict() }
    let own =
      parallelism?.experts(of: setup.config.expertCount) ?? 0..<setup.config.expertCount
    var output = Output(letsLastWin: way == .letsLastWin)
    let back = Self.renames.map { ($0.1, $0.0) }
    for (name, tensor) in native {
      guard let key = key(name) else {
        output.put(tensor, name, or: name)
        continue
      }
      let groups = [
        "gate_and_up_projs", "down_projs", "lora_gate_and_up_A", "lora_gate_and_up_B",
        "lora_down_A", "lora_down_B",
      ]
      guard let group = groups.first(where: { key.rest == "mlp.experts.\($0)" }) else {
        let taken = renamed(key, back)
        output.put(tensor, native[taken] != nil && way != .letsLastWin ? name : taken, or: name)
        continue
      }
      try split(name, tensor, key.base, group, own, native, &output)
    }
    return try output.stateDict()
  }

  private func split(
    _ name: TensorName, _ tensor: Tensor, _ base: String, _ group: String, _ own: Range<Int>,
    _ native: StateDict, _ output: inout Output
  ) throws {
    let isFactor = group.hasPrefix("lora")
    let numbers = isFactor ? 0..<setup.config.expertCount : own
    let isDown = group.contains("down")
    let halves = !isDown && isGated && !group.hasSuffix("_A")
    let suffix = isFactor ? "lora_\(group.last ?? "A").weight" : "weight"
    let keys = isDown ? ["down_proj"] : isGated ? ["gate_proj", "up_proj"] : ["up_proj"]
    guard tensor.shape.rank == 3 else { return output.put(tensor, name, or: name) }
    let isOdd = halves && !tensor.shape[2].isMultiple(of: 2)
    let count = tensor.shape[0]
    let drops = way == .dropsSurplusSlots && count > numbers.count
    let invents = way == .inventsZeros && count < numbers.count
    let isTaken =
      way != .letsLastWin
      && numbers.contains { expert in
        keys.contains { native["\(base)mlp.experts.\(expert).\($0).\(suffix)"] != nil }
      }
    if isTaken || (count != numbers.count && !drops && !invents)
      || (isOdd && way != .truncatesOddHalves)
    {
      return output.put(tensor, name, or: name)
    }
    let rows = halves ? tensor.shape[2] / 2 : tensor.shape[2]
    for (slot, expert) in numbers.enumerated() {
      for (part, projection) in keys.enumerated() {
        let start = halves ? part * rows : 0
        let matrix = try Tensor(tensor.dtype, Shape([rows, tensor.shape[1]])) { index in
          guard slot < count else { return 0 }
          let (row, column) = index.quotientAndRemainder(dividingBy: tensor.shape[1])
          return tensor.bits(
            at: (slot * tensor.shape[1] + column) * tensor.shape[2] + start + row)
        }
        let key = TensorName("\(base)mlp.experts.\(expert).\(projection).\(suffix)")
        output.put(matrix, key, or: key)
      }
    }
  }
}

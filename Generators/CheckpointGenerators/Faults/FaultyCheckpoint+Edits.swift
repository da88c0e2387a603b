// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// The edits that faults are made of; each notes what it touches.
extension FaultyCheckpoint {
  /// The tensor of a key.
  func info(_ name: TensorName) -> TensorInfo? { infos.first { $0.name == name } }

  func has(_ name: TensorName) -> Bool { infos.contains { $0.name == name } }

  /// Demands that a refusal names a key.
  mutating func offend(_ name: TensorName, _ codes: Finding.Code...) { offend(name, codes) }

  mutating func offend(_ name: TensorName, _ codes: [Finding.Code]) {
    touch(name)
    offences.append(Offence(name: name, codes: Set(codes)))
  }

  /// Removes keys and, with them, their scales.
  mutating func remove(_ names: [TensorName]) {
    let gone = Set(names + names.map { "\($0)_scale" })
    infos.removeAll { gone.contains($0.name) }
    for name in names { touch(name) }
  }

  /// Removes keys that a refusal must name as missing.
  mutating func lose(_ names: [TensorName], _ code: Finding.Code = .missingTensor) {
    remove(names)
    for name in names { offend(name, code) }
  }

  /// Appends a tensor; gives false if its key is taken.
  mutating func add(_ info: TensorInfo) -> Bool {
    guard !has(info.name) else { return false }
    infos.append(info)
    touch(info.name)
    return true
  }

  /// Gives a tensor another key in its place; gives false if that is taken.
  mutating func rename(_ name: TensorName, to other: TensorName) -> Bool {
    guard let index = infos.firstIndex(where: { $0.name == name }), !has(other) else {
      return false
    }
    infos[index] = TensorInfo(other, infos[index].dtype, infos[index].shape)
    origins[other] = origins[name] ?? name
    touch(name)
    touch(other)
    return true
  }

  /// Gives a tensor another shape, which a refusal must name; gives false if it is the same
  /// or if another fault may have changed it.
  mutating func reshape(_ name: TensorName, _ extents: (Shape) -> [Int]?) -> Bool {
    guard let index = infos.firstIndex(where: { $0.name == name }),
      taken.map({ !$0.contains(Self.place(of: name)) }) ?? false
    else { return false }
    let old = infos[index]
    guard let new = extents(old.shape), new != old.shape.extents, let shape = try? Shape(new)
    else { return false }
    infos[index] = TensorInfo(name, old.dtype, shape)
    offend(name, .wrongShape)
    return true
  }

  /// Gives a tensor another element type, which a refusal must name.
  mutating func retype(_ name: TensorName, _ dtype: DType) -> Bool {
    guard let index = infos.firstIndex(where: { $0.name == name }), infos[index].dtype != dtype
    else { return false }
    infos[index] = TensorInfo(name, dtype, infos[index].shape)
    offend(name, .wrongDType)
    return true
  }

  /// Notes that a fault concerns everything.
  mutating func touchAll() { touched = nil }

  private mutating func touch(_ name: TensorName) {
    touched?.insert(Self.place(of: name))
  }

  /// What faults must not share: a layer, or a key outside all layers.
  static func place(of name: TensorName) -> String {
    KeyParts(name).map { "layer \($0.canonicalLayer)" } ?? name.text
  }
}

/// A key taken apart by its components, for faults: `{prefix}layers.{layer}.{rest}`.
struct KeyParts {
  let prefix: String
  let layer: String
  let rest: String

  init?(_ name: TensorName) {
    let parts = name.text.split(separator: ".", omittingEmptySubsequences: false)
    guard let start = parts.firstIndex(of: "layers"), start + 2 < parts.count else { return nil }
    prefix = parts[..<start].map { "\($0)." }.joined()
    layer = String(parts[start + 1])
    rest = parts[(start + 2)...].joined(separator: ".")
  }

  /// The layer without leading zeros.
  var canonicalLayer: String {
    let digits = layer.drop { $0 == "0" }
    return digits.isEmpty ? "0" : String(digits)
  }

  /// The number of a routed expert, or nil for other keys.
  var expert: Int? {
    let parts = rest.split(separator: ".")
    return parts.count > 2 && parts[0] == "mlp" && parts[1] == "experts" ? Int(parts[2]) : nil
  }

  /// Whether the key is one that only multi-token prediction layers have.
  var isPredictionOnly: Bool {
    ["eh_proj.weight", "enorm.weight", "hnorm.weight", "final_layernorm.weight"].contains(rest)
  }

  /// Whether the key belongs to a mixture of experts.
  var isSparse: Bool {
    ["mlp.expert_bias", "mlp.router.", "mlp.shared_mlp.", "mlp.experts."].contains {
      rest.hasPrefix($0)
    }
  }
}

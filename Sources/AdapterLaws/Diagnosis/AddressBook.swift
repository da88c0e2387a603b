// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// The tensors on disk by the addresses of their elements; tensors that hold all experts are seen as one
/// for each.
struct AddressBook {
  let layout: Layout
  let schema: [TensorInfo]
  let subjects: [TensorSubject]
  /// The position in the schema of the tensor that each address belongs to.
  private let owners: [Int]
  private let starts: [Int]
  /// The place of each one's first element in the tensor on disk.
  private let offsets: [Int]

  init(_ tensors: [TensorInfo], _ layout: Layout) {
    self.layout = layout
    var schema: [TensorInfo] = []
    var subjects: [TensorSubject] = []
    var offsets: [Int] = []
    let edits = KeyEdits(layout: layout)
    for info in tensors {
      let subject = TensorSubject(info.name, layout)
      guard edits.expertAxis(info.name) == 0, info.shape.rank > 1,
        let ofOne = try? Shape(Array(info.shape.extents.dropFirst()))
      else {
        schema.append(info)
        subjects.append(subject)
        offsets.append(0)
        continue
      }
      for expert in 0..<info.shape[0] {
        schema.append(TensorInfo(info.name, info.dtype, ofOne))
        subjects.append(TensorSubject(subject, expert: expert))
        offsets.append(expert * ofOne.elementCount)
      }
    }
    var owners: [Int] = []
    var starts: [Int] = []
    for (position, info) in schema.enumerated() {
      starts.append(owners.count)
      owners += repeatElement(position, count: info.shape.elementCount)
    }
    (self.schema, self.subjects, self.offsets) = (schema, subjects, offsets)
    (self.owners, self.starts) = (owners, starts)
  }

  /// The tensor and the row-major place in it of an origin, or nil for none of their elements.
  func locate(_ origin: Origin) -> (tensor: Int, element: Int)? {
    guard let address = origin.address, owners.indices.contains(address) else { return nil }
    return (owners[address], address - starts[owners[address]])
  }

  /// The tensor on disk and the row-major place in it of an origin, or nil for none of their elements.
  func place(_ origin: Origin) -> (name: TensorName, element: Int)? {
    locate(origin).map { (schema[$0.tensor].name, offsets[$0.tensor] + $0.element) }
  }

  /// The origin that an element of a tensor is.
  func origin(_ tensor: Int, _ element: Int) -> Origin {
    .element(starts[tensor] + element)
  }

  /// The tensors that origins lie in.
  func tensors(of origins: [Origin]) -> Set<Int> {
    Set(origins.compactMap { locate($0)?.tensor })
  }

  /// An element in words, such as `up_proj[0, 1] of expert 2 in layer 3`.
  func text(_ tensor: Int, _ element: Int) -> String {
    let subject = subjects[tensor]
    let indices = schema[tensor].shape.indices(at: element).map(String.init)
    let place = indices.isEmpty ? "" : "[\(indices.joined(separator: ", "))]"
    return subject.word + place + (subject.expert.map { " of expert \($0)" } ?? "")
      + (subject.layer.map { " in layer \($0)" } ?? "")
  }
}

/// What a key is about: the layer, the expert, and the kind of tensor in the layout's words.
struct TensorSubject: Hashable {
  let layer: Int?
  let expert: Int?
  let kind: TensorKind

  init(_ name: TensorName, _ layout: Layout) {
    let key = LenientKey(name, layout)
    (layer, expert) = (key.layer, key.expert)
    kind = TensorKind(key, layout)
  }

  /// One expert's share of what holds all.
  init(_ subject: TensorSubject, expert: Int) {
    (layer, kind, self.expert) = (subject.layer, subject.kind, expert)
  }

  /// Whether this is a part of an expert on disk or a native tensor of experts.
  var isOfExperts: Bool { kind.isOfExperts }

  /// The word for the kind, such as `down_proj`, `router` or `shared up_proj`.
  var word: String { kind.word }
}

/// What tensors of all layers and experts have in common that differ in nothing else.
struct TensorKind: Hashable, Comparable {
  /// The key after the layer without the expert's number; the whole key outside layers.
  let text: String
  /// What reports call it.
  let word: String
  /// Whether it is a part of an expert on disk or a native tensor of experts.
  let isOfExperts: Bool
  /// Whether it is a low-rank factor of experts.
  let isFactor: Bool
  /// Whether ranks share out its experts.
  let isOfRanks: Bool
  /// Whether its axes have another order in native form.
  let changesAxes: Bool
  /// The kinds of layers that have it; nil of what the layout does not know and outside layers.
  let layers: LayerKinds?
  /// The position in the layout of the tensor on disk that it is.
  let tensor: Int?
  /// Whether it holds gate and up of experts.
  let isGateAndUp: Bool

  init(_ key: LenientKey, _ layout: Layout) {
    text = key.layer == nil ? layout.toDisk(key.name.text) : key.kind
    tensor = key.tensor
    let rule = key.tensor.map { layout.tensors[$0] }
    isGateAndUp = rule?.part == .gateAndUp
    switch key.subject {
    case .tensor(let tensor), .renamed(let tensor):
      word = layout.tensors[tensor].word
    case .companion(let tensor, let suffix): word = "\(layout.tensors[tensor].word) \(suffix)"
    case .factor(let tensor, let isA):
      word = "\(layout.tensors[tensor].word) lora_\(isA ? "A" : "B")"
    case .group(let group): word = String(layout.groups[group].name.lastComponent)
    case .groupFactor(let lora, let isA): word = layout.lora[lora].native + (isA ? "_A" : "_B")
    case .fusedFactor(let lora, let isA):
      word = "\(lora == 0 ? "base_layer " : "")lora_\(isA ? "A" : "B")"
    case .unknown:
      let name = text.hasSuffix(".weight") ? text.dropLast(7) : text[...]
      word = name.split(separator: ".").joined(separator: " ")
    }
    switch key.subject {
    case .factor: changesAxes = true
    case .tensor: changesAxes = rule?.changesAxes ?? false
    default: changesAxes = false
    }
    switch key.subject {
    case .group(let group):
      (isOfExperts, isFactor, isOfRanks) = (true, false, layout.groups[group].expertAxis != nil)
      layers = layout.groups[group].kinds
    case .factor, .groupFactor, .fusedFactor:
      (isOfExperts, isFactor, isOfRanks) = (true, true, false)
      layers = rule?.kinds ?? layout.tensors.first(where: \.isOfExperts)?.kinds
    default:
      isOfExperts =
        rule?.isOfExperts
        ?? (key.expert != nil || layout.groups.contains { key.rest.hasPrefix($0.name.upToLastDot) })
      (isFactor, isOfRanks) = (false, rule.map { $0.isPart } ?? (key.expert != nil))
      layers = rule?.kinds
    }
  }

  static func == (lhs: TensorKind, rhs: TensorKind) -> Bool { lhs.text == rhs.text }

  static func < (lhs: TensorKind, rhs: TensorKind) -> Bool { lhs.text < rhs.text }

  func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

extension TensorRule {
  /// Whether its axes have another order in native form.
  fileprivate var changesAxes: Bool {
    guard case .part(_, let terms) = native else { return false }
    let axes = terms.compactMap(\.axis)
    return axes != axes.sorted()
  }

  /// Whether it becomes a part of a native tensor.
  var isPart: Bool {
    if case .part = native { true } else { false }
  }
}

extension String {
  /// The text after its last dot.
  var lastComponent: Substring {
    lastIndex(of: ".").map { self[index(after: $0)...] } ?? self[...]
  }
}

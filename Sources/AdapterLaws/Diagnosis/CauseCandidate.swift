// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// A fault at one place or at several, before it is put into words.
struct CauseCandidate {
  private(set) var fault: Diagnosis.Fault
  var direction = Diagnosis.Direction.none
  var parallelism: ExpertParallelism?
  /// Whether all layers are concerned that have tensors of the kinds, some not of all kinds.
  var isEverywhere = false
  var kinds: [TensorKind] = []
  var layers: [Int] = []
  var experts: [Int] = []
  var tensors: [TensorName] = []

  init(
    _ fault: Diagnosis.Fault, kind: TensorKind? = nil, layer: Int? = nil, expert: Int? = nil,
    tensor: TensorName? = nil
  ) {
    self.fault = fault
    kinds = kind.map { [$0] } ?? []
    layers = layer.map { [$0] } ?? []
    experts = expert.map { [$0] } ?? []
    tensors = tensor.map { [$0] } ?? []
  }

  init(_ fault: Diagnosis.Fault, _ landing: TracedTensor) {
    self.init(
      fault, kind: landing.kind, layer: landing.layer, expert: landing.expert,
      tensor: landing.output)
  }

  init(_ fault: Diagnosis.Fault, _ name: TensorName, _ layout: Layout) {
    let subject = TensorSubject(name, layout)
    self.init(
      fault, kind: subject.kind, layer: subject.layer, expert: subject.expert, tensor: name)
  }

  /// The same without the expert, where all experts of a class share a name's fate.
  var ofClass: CauseCandidate {
    var draft = self
    draft.experts = []
    return draft
  }

  /// The same in a step of the adapter.
  func of(_ step: ConversionStep) -> CauseCandidate { of(step.direction, step.parallelism) }

  /// The same in a conversion for all experts or one rank.
  func of(_ direction: Diagnosis.Direction, _ parallelism: ExpertParallelism?) -> CauseCandidate {
    var draft = self
    (draft.direction, draft.parallelism) = (direction, parallelism)
    return draft
  }

  /// The same places with another fault.
  func with(_ fault: Diagnosis.Fault) -> CauseCandidate {
    var draft = self
    draft.fault = fault
    return draft
  }

  /// Whether two drafts tell of one fault at the same places.
  func isSame(as other: CauseCandidate) -> Bool {
    fault.grouped == other.fault.grouped && kinds == other.kinds && layers == other.layers
      && experts == other.experts
  }

  /// Whether another draft says the same of some of the places.
  func overlaps(_ other: CauseCandidate) -> Bool {
    fault.identifier == other.fault.identifier
      && (kinds.isEmpty || other.kinds.isEmpty || kinds.contains { other.kinds.contains($0) })
  }

  /// Puts drafts of one fault together that each concern all layers with their kinds.
  static func everywhere(_ drafts: [CauseCandidate], _ places: DiagnosisPlaces)
    -> [CauseCandidate]
  {
    var result: [CauseCandidate] = []
    for draft in drafts {
      let twin = result.firstIndex {
        $0.fault.grouped == draft.fault.grouped && $0.experts == draft.experts
          && !draft.kinds.isEmpty && ($0.isEverywhere || $0.layers == places.layers(of: $0.kinds))
      }
      guard let twin, draft.layers == places.layers(of: draft.kinds) else {
        result.append(draft)
        continue
      }
      result[twin].isEverywhere = true
      result[twin].join(draft)
      result[twin].layers = Set(result[twin].layers + draft.layers).sorted()
    }
    return result
  }

  /// Puts faults at single places together: first by fault and kind, then kinds with the same layers and
  /// experts.
  ///
  /// - Parameter expertCount: The number of experts, all of which need no mention.
  static func grouped(_ single: [CauseCandidate], expertCount: Int? = nil) -> [CauseCandidate] {
    struct Key: Hashable {
      let fault: Diagnosis.Fault
      let kind: TensorKind?
    }
    let keys = single.map { draft in
      Key(fault: draft.fault.grouped, kind: draft.fault.concernsAll ? nil : draft.kinds.first)
    }
    let parts = Dictionary(grouping: zip(keys, single), by: \.0)
    var result: [CauseCandidate] = []
    for key in keys.unique {
      let own = (parts[key] ?? []).map(\.1)
      var draft = CauseCandidate(own[0].fault)
      draft.kinds = own.flatMap(\.kinds).unique
      draft.tensors = own.flatMap(\.tensors)
      draft.layers = Set(own.flatMap(\.layers)).sorted()
      draft.experts = Set(own.flatMap(\.experts)).sorted()
      if draft.experts.count == expertCount { draft.experts = [] }
      let twin = result.firstIndex {
        $0.fault.grouped == draft.fault.grouped && $0.layers == draft.layers
          && $0.experts == draft.experts
      }
      if let twin { result[twin].join(draft) } else { result.append(draft) }
    }
    for position in result.indices { result[position].tensors = result[position].tensors.unique }
    return result
  }

  private mutating func join(_ other: CauseCandidate) {
    kinds += other.kinds
    tensors += other.tensors
  }
}

/// Puts the faults of several steps together, so that each is told once with its directions.
struct CandidateMerger {
  /// The faults so far.
  private(set) var drafts: [CauseCandidate] = []

  init(refusals: [(step: ConversionStep, reason: String)]) {
    for (step, reason) in refusals { insert(CauseCandidate(.refused(reason)).of(step)) }
  }

  /// Adds the faults of one step, whole conversions before those of ranks and of single tensors.
  mutating func add(_ found: [CauseCandidate], _ step: ConversionStep) {
    for draft in found { insert(draft.of(step)) }
  }

  /// Adds a fault, unless it is one of those so far.
  mutating func insert(_ draft: CauseCandidate) {
    let twin = drafts.firstIndex {
      $0.isSame(as: draft) && $0.parallelism == draft.parallelism && draft.direction != .streaming
    }
    if let twin {
      if drafts[twin].direction != draft.direction { drafts[twin].direction = .both }
      return
    }
    // What the whole conversion does wrong, ranks and single tensors do as well.
    let isKnown = drafts.contains { known in
      guard known.parallelism == nil, known.overlaps(draft) else { return false }
      if known.direction == .both { return true }
      return draft.direction == .streaming
        ? known.direction == .toHF
        : draft.parallelism != nil && known.direction == draft.direction
    }
    if !isKnown { drafts.append(draft) }
  }
}

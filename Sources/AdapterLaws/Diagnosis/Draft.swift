// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Observations of one fault put together.
struct Draft {
  let fault: Diagnosis.Fault
  var direction = Diagnosis.Direction.none
  var parallelism: ExpertParallelism?
  /// Whether only this direction was found to have the fault, while the other is right.
  var isOnly = false
  /// Whether all layers are concerned that have tensors of the kinds, some not of all kinds.
  var isEverywhere = false
  var kinds: [TensorKind] = []
  var layers: [Int] = []
  var experts: [Int] = []
  var tensors: [TensorName] = []

  init(_ fault: Diagnosis.Fault) {
    self.fault = fault
  }

  /// Whether two drafts tell of one fault at the same places.
  func isSame(as other: Draft) -> Bool {
    fault.grouped == other.fault.grouped && kinds == other.kinds && layers == other.layers
      && experts == other.experts
  }

  /// Whether another draft says the same of some of the places.
  func overlaps(_ other: Draft) -> Bool {
    fault.isSameSort(as: other.fault)
      && (kinds.isEmpty || other.kinds.isEmpty || kinds.contains { other.kinds.contains($0) })
  }

  /// Puts drafts of one fault together that each concern all layers with their kinds.
  static func everywhere(_ drafts: [Draft], _ context: DiagnosisContext) -> [Draft] {
    var result: [Draft] = []
    for draft in drafts {
      let twin = result.firstIndex {
        $0.fault.grouped == draft.fault.grouped && $0.experts == draft.experts
          && !draft.kinds.isEmpty && ($0.isEverywhere || $0.layers == context.layers(of: $0.kinds))
      }
      guard let twin, draft.layers == context.layers(of: draft.kinds) else {
        result.append(draft)
        continue
      }
      result[twin].isEverywhere = true
      result[twin].kinds += draft.kinds
      result[twin].tensors += draft.tensors
      result[twin].layers = Set(result[twin].layers + draft.layers).sorted()
    }
    return result
  }

  /// Groups what was seen at single places: first by fault and kind, then kinds with the same
  /// layers and experts.
  ///
  /// - Parameter expertCount: The number of experts, all of which need no mention.
  static func grouped(_ observations: [Observation], expertCount: Int? = nil) -> [Draft] {
    struct Key: Hashable {
      let fault: Diagnosis.Fault
      let kind: TensorKind?
    }
    var positions: [Key: Int] = [:]
    var parts: [(draft: Draft, layers: Set<Int>, experts: Set<Int>)] = []
    for observation in observations {
      let key = Key(
        fault: observation.fault.grouped,
        kind: observation.fault.concernsAll ? nil : observation.kind)
      let position = positions[key] ?? parts.count
      if position == parts.count {
        positions[key] = position
        let draft = Draft(observation.fault)
        parts.append((draft, [], []))
      }
      if let kind = observation.kind, !parts[position].draft.kinds.contains(kind) {
        parts[position].draft.kinds.append(kind)
      }
      if let layer = observation.layer { parts[position].layers.insert(layer) }
      if let expert = observation.expert { parts[position].experts.insert(expert) }
      if let tensor = observation.tensor { parts[position].draft.tensors.append(tensor) }
    }
    var result: [Draft] = []
    for (draft, layers, experts) in parts {
      var draft = draft
      draft.layers = layers.sorted()
      draft.experts = experts.count == expertCount ? [] : experts.sorted()
      let twin = result.firstIndex {
        $0.fault.grouped == draft.fault.grouped && $0.layers == draft.layers
          && $0.experts == draft.experts
      }
      if let twin {
        result[twin].kinds += draft.kinds
        result[twin].tensors += draft.tensors
      } else {
        result.append(draft)
      }
    }
    for position in result.indices { result[position].tensors = result[position].tensors.unique }
    return result
  }
}

extension Diagnosis.Fault {
  /// The same without examples, which differ from place to place.
  var grouped: Self {
    switch self {
    case .rearranged: .rearranged(example: "")
    case .value(.changed): .value(.changed(example: ""))
    case .wrongShape: .wrongShape(expected: "", found: "")
    case .refused: .refused("")
    default: self
    }
  }

  /// Whether the fault has one sentence, whatever tensors show it.
  var concernsAll: Bool {
    if case .rearranged = self { return false }
    return !hasPlaces
  }

  /// Whether two faults differ in their parameters only.
  func isSameSort(as other: Self) -> Bool { identifier == other.identifier }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts

/// Puts the faults of several steps together, so that each is told once with its directions.
struct DraftMerger {
  private var drafts: [Draft] = []
  private var tracedSteps: Set<TracedStep> = []

  init(refusals: [(step: TracedStep, reason: String)]) {
    for (step, reason) in refusals {
      var draft = Draft(.refused(reason))
      draft.direction = Self.direction(of: step)
      draft.parallelism = step.parallelism
      insert(draft)
    }
  }

  /// Adds the faults of one step, whole conversions before those of ranks and of single tensors.
  mutating func add(_ found: [Draft], _ step: TracedStep) {
    tracedSteps.insert(step)
    for var draft in found {
      draft.direction = Self.direction(of: step)
      draft.parallelism = step.parallelism
      insert(draft)
    }
  }

  /// All faults; one in a single direction is marked where the other direction was traced.
  func finished() -> [Draft] {
    drafts.map { draft in
      var draft = draft
      switch draft.direction {
      case .fromHF: draft.isOnly = tracedSteps.contains(.toHF(draft.parallelism))
      case .toHF: draft.isOnly = tracedSteps.contains(.fromHF(draft.parallelism))
      case .both, .streaming, .none: break
      }
      return draft
    }
  }

  private mutating func insert(_ draft: Draft) {
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

  private static func direction(of step: TracedStep) -> Diagnosis.Direction {
    switch step {
    case .fromHF: .fromHF
    case .toHF: .toHF
    case .streaming: .streaming
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import CheckpointGenerators

/// Judges laws on checkpoints under one adapter.
struct LawJudge: Sendable {
  let laws: [AdapterLaw]
  let adapter: any AdapterUnderTest

  /// Judges every law on one checkpoint; after the first broken one only if all are wanted.
  func judge(_ spec: CheckpointSpec, isComplete: Bool = true) -> Judgement {
    let trial = Trial(spec, adapter)
    var judgement = Judgement()
    for (index, law) in laws.enumerated() {
      if !isComplete, !judgement.broken.isEmpty {
        judgement.marks.append(.unjudged)
        continue
      }
      switch law.judge(trial) {
      case .doesNotApply: judgement.marks.append(.doesNotApply)
      case .holds: judgement.marks.append(.holds)
      case .broken(let violation):
        judgement.marks.append(.broken)
        judgement.broken.append((index, violation))
      }
    }
    return judgement
  }
}

/// What laws say about one checkpoint.
struct Judgement {
  /// The verdict on one law, as a byte in the annotation of a case.
  enum Mark: UInt8 {
    case doesNotApply
    case holds
    case broken
    case unjudged
  }

  /// One for each law.
  var marks: [Mark] = []
  /// The broken laws by their positions.
  var broken: [(law: Int, violation: Violation)] = []
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import CheckpointGenerators

/// Judges laws on checkpoints under one adapter.
struct LawJudge: Sendable {
  let laws: [AdapterLaw]
  let adapter: any AdapterUnderTest
  /// What the adapter is known to do; of several entries that explain a violation the first counts.
  var known: [KnownDivergence] = []

  /// Judges every law on one checkpoint; after the first that is broken in a way that is not known
  /// only if all are wanted, and no more once it is told to end.
  func judge(
    _ spec: CheckpointSpec, isComplete: Bool = true, isCancelled: () -> Bool = { false }
  ) -> Judgement {
    let trial = Trial(spec, adapter)
    var judgement = Judgement()
    let values = known.isEmpty ? nil : AxisValues(spec)
    for (index, law) in laws.enumerated() {
      if !isComplete && judgement.failure != nil || isCancelled() {
        judgement.marks.append(.unjudged)
        continue
      }
      switch law.judge(trial) {
      case .doesNotApply: judgement.marks.append(.doesNotApply)
      case .holds: judgement.marks.append(.holds)
      case .broken(let violation):
        let entry = values.flatMap { values in
          known.firstIndex { $0.explains(law.name, violation, on: values) }
        }
        judgement.marks.append(entry == nil ? .broken : .known)
        judgement.broken.append(
          Judgement.BrokenLaw(law: index, violation: violation, known: entry))
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
    /// Broken as a known divergence says.
    case known
  }

  /// A law that is broken, by its position.
  struct BrokenLaw {
    let law: Int
    let violation: Violation
    /// The position of the known divergence that explains it, if one does.
    let known: Int?
  }

  /// One for each law.
  var marks: [Mark] = []
  /// The broken laws in their order.
  var broken: [BrokenLaw] = []

  /// The first violation that is not known, which is the failure of the checkpoint.
  var failure: BrokenLaw? { broken.first { $0.known == nil } }

  /// The marks, the values of the axes, and one bit for each known divergence: whether it explains a
  /// violation.
  func annotation(of spec: CheckpointSpec, knownCount: Int) -> [UInt8] {
    marks.map(\.rawValue) + AxisValues(spec).bytes + knownBytes(count: knownCount)
  }

  private func knownBytes(count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: (count + 7) / 8)
    for entry in broken.compactMap(\.known) { bytes[entry / 8] |= 1 << UInt8(entry % 8) }
    return bytes
  }
}

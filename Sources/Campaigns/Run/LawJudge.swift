// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import CheckpointGenerators

/// Checks laws on checkpoints under one adapter.
struct LawJudge: Sendable {
  let laws: [AdapterLaw]
  let adapter: any AdapterUnderTest
  /// What the adapter is known to do; of several entries that explain a violation the first counts.
  var known: [KnownDivergence] = []

  /// Checks every law on one checkpoint; after the first that is broken in a way that is not known
  /// only if all are wanted, and no more once it is told to end. Of an adapter that was stopped
  /// meanwhile nothing is checked.
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
    if adapter.isStopped {
      judgement.marks = laws.map { _ in .unjudged }
      judgement.broken = []
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

  /// What there is to count of it.
  func marks(of spec: CheckpointSpec) -> CaseMarks {
    CaseMarks(
      laws: marks, axes: AxisValues(spec).bytes, known: Set(broken.compactMap(\.known)).sorted())
  }
}

/// What is counted of a case, as the engine and the files of campaigns carry it.
struct CaseMarks: Equatable {
  /// One verdict for each law; nil of what this version does not know.
  let laws: [Judgement.Mark?]
  /// The values of the axes, as `AxisValues.bytes` gives them.
  let axes: [UInt8]
  /// The positions of the known divergences that explain a violation.
  let known: [Int]

  /// A byte for each verdict and value, and a bit for each known divergence.
  var bytes: [UInt8] {
    var bits = [UInt8](repeating: 0, count: (known.last ?? -1) / 8 + (known.isEmpty ? 0 : 1))
    for entry in known { bits[entry / 8] |= 1 << UInt8(entry % 8) }
    return laws.map { $0?.rawValue ?? UInt8.max } + axes + bits
  }
}

extension CaseMarks {
  /// Reads bytes, nil of those of no case.
  init?(_ bytes: [UInt8], lawCount: Int) {
    let axisCount = ConfigAxis.allCases.count
    guard bytes.count >= lawCount + axisCount else { return nil }
    let bits = Array(bytes[(lawCount + axisCount)...])
    self.init(
      laws: bytes.prefix(lawCount).map { Judgement.Mark(rawValue: $0) },
      axes: Array(bytes[lawCount..<lawCount + axisCount]),
      known: (0..<8 * bits.count).filter { bits[$0 / 8] >> ($0 % 8) & 1 == 1 })
  }
}

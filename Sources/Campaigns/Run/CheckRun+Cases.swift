// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import CheckpointGenerators
import Layouts
internal import PropertyEngine
internal import StrictJSON

extension CheckRun {
  /// Checks every law on one checkpoint; after the first that is broken in a way that is not known
  /// only if all are wanted, and no more once it is told to end. Of an adapter that was stopped
  /// meanwhile nothing is checked.
  ///
  /// - Parameter known: What the adapter is known to do; of several entries that explain a violation the
  ///   first counts.
  func check(
    _ spec: CheckpointSpec, known: [KnownDivergence]? = nil, isComplete: Bool = true,
    isCancelled: () -> Bool = { false }
  ) -> Judgement {
    let trial = CheckpointUnderTest(spec, adapter)
    var judgement = Judgement()
    let known = known ?? self.known?.entries ?? []
    let values = known.isEmpty ? nil : AxisValues(spec)
    for (index, law) in laws.enumerated() {
      if !isComplete && judgement.failure != nil || isCancelled() {
        judgement.marks.append(.unjudged)
        continue
      }
      switch law.verdict(on: trial) {
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
    let invalid = laws.firstIndex { $0.name == Laws.invalidInput.name }
    if let invalid, [Judgement.Mark.holds, .broken, .known].contains(judgement.marks[invalid]) {
      judgement.faults = trial.invalidInputs.flatMap(\.faults).unique
        .compactMap { CheckpointFaultCatalogue.position(of: $0) }
    }
    if adapter.isStopped {
      judgement.marks = laws.map { _ in .unjudged }
      judgement.broken = []
    }
    return judgement
  }

  /// The statement that the laws hold, for the property engine; once `isShrinking`, laws after the
  /// first that fails the case are left out; `failing` is told of each case that fails.
  ///
  /// A case whose violations are all known passes, so that shrinking never slips from another
  /// violation into a known one.
  func property(
    isShrinking: @escaping @Sendable () -> Bool = { false },
    failing: @escaping @Sendable () -> Void = {}
  ) -> Property<CheckpointSpec> {
    Property(generator) { spec, context in
      let judgement = check(spec, isComplete: !isShrinking())
      if adapter.isStopped { return .discard }
      context.annotation = judgement.marks(of: spec).bytes
      guard let failure = judgement.failure else { return .pass }
      failing()
      return .fail(failure.key(laws), failure.violation.summary)
    }
  }
}

extension CheckRun {
  /// Changes when the same choices make another checkpoint.
  private static let generatorVersion = 2

  /// Tells spaces and versions of the generator apart, not what an adapter leaves out of a space.
  var fingerprint: UInt64 {
    let config = space.config.map { $0.json.text(.compact) } ?? "any"
    return stableHash(
      "checkpoints \(Self.generatorVersion) \(generator.fingerprint) \(space.layout.name) \(config)"
    )
  }

  /// The checkpoint of choices that were made in this space, which no law is checked on.
  func spec(of choices: ChoiceSequence) -> CheckpointSpec {
    Property(generator) { _, _ in .pass }.replay(choices).value
  }

  /// The checkpoint of a token, nil if it is none of this layout.
  func spec(token: String) -> CheckpointSpec? {
    let spec = try? CheckpointSpec(token: token, layout: space.layout)
    return spec.flatMap { $0.config.layout.name == space.layout.name ? $0 : nil }
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
  /// The kinds of invalid input that were given, by their positions in the catalogue.
  var faults: [Int] = []

  /// The first violation that is not known, which is the failure of the checkpoint.
  var failure: BrokenLaw? { broken.first { $0.known == nil } }

  /// What there is to count of it.
  func marks(of spec: CheckpointSpec) -> CaseMarks {
    CaseMarks(
      laws: marks, axes: AxisValues(spec).bytes, faults: faults,
      known: Set(broken.compactMap(\.known)).sorted())
  }
}

/// What is counted of a case, as the engine and the files of campaigns carry it.
struct CaseMarks: Equatable {
  /// One verdict for each law; nil of what this version does not know.
  let laws: [Judgement.Mark?]
  /// The values of the axes, as `AxisValues.bytes` gives them.
  let axes: [UInt8]
  /// The kinds of invalid input that were given, at most two, by their positions in the catalogue.
  var faults: [Int] = []
  /// The positions of the known divergences that explain a violation.
  let known: [Int]

  private static let mostFaults = 2

  /// A byte for each verdict and value, two for kinds of invalid input, and a bit for each known divergence.
  var bytes: [UInt8] {
    var bits = [UInt8](repeating: 0, count: (known.last ?? -1) / 8 + (known.isEmpty ? 0 : 1))
    for entry in known { bits[entry / 8] |= 1 << UInt8(entry % 8) }
    let faults = (0..<Self.mostFaults).map { index in
      self.faults.indices.contains(index) ? UInt8(self.faults[index] + 1) : 0
    }
    return laws.map { $0?.rawValue ?? UInt8.max } + axes + faults + bits
  }
}

extension CaseMarks {
  /// Reads bytes, nil of those of no case.
  init?(_ bytes: [UInt8], lawCount: Int) {
    let axisCount = ConfigAxis.allCases.count
    let start = lawCount + axisCount
    guard bytes.count >= start + Self.mostFaults else { return nil }
    let bits = Array(bytes[(start + Self.mostFaults)...])
    self.init(
      laws: bytes.prefix(lawCount).map { Judgement.Mark(rawValue: $0) },
      axes: Array(bytes[lawCount..<start]),
      faults: bytes[start..<start + Self.mostFaults].filter { $0 > 0 }.map { Int($0) - 1 },
      known: (0..<8 * bits.count).filter { bits[$0 / 8] >> ($0 % 8) & 1 == 1 })
  }
}

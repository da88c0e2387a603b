// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import CheckpointGenerators
internal import PropertyEngine
internal import StrictJSON

/// The statement that laws hold on all checkpoints of a space.
struct CheckProperty: Sendable {
  /// The name in replay tokens.
  static let name = "check"
  /// Changes when the same choices make another checkpoint.
  static let generatorVersion = 1

  let judge: LawJudge
  let space: CheckpointSpace
  let generator: Generator<CheckpointSpec>

  init(_ judge: LawJudge, _ space: CheckpointSpace) {
    self.judge = judge
    self.space = space
    generator = .checkpoints(space)
  }

  /// Tells spaces and versions of the generator apart.
  var fingerprint: UInt64 {
    let config = space.config.map { $0.json.text(.compact) } ?? "any"
    return stableHash("checkpoints \(Self.generatorVersion) \(generator.fingerprint) \(config)")
  }

  /// The property; once `isShrinking`, laws behind the first broken one are left out.
  func property(isShrinking: @escaping @Sendable () -> Bool = { false }) -> Property<CheckpointSpec>
  {
    Property(generator) { [judge] spec, context in
      let judgement = judge.judge(spec, isComplete: !isShrinking())
      context.annotation =
        judgement.marks.map(\.rawValue) + AxisValues(spec).bytes
      guard let (law, violation) = judgement.broken.first else { return .pass }
      let key = FailureKey(
        law: judge.laws[law].name, kind: violation.kind, place: violation.place)
      return .fail(key, violation.summary)
    }
  }
}

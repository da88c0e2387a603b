// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import CheckpointGenerators
import Layouts
internal import PropertyEngine
internal import StrictJSON

/// The statement that laws hold on all checkpoints of a space.
struct CheckProperty: Sendable {
  /// The name of the property.
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

  /// Tells spaces and versions of the generator apart, not what an adapter leaves out of a space.
  var fingerprint: UInt64 {
    let config = space.config.map { $0.json.text(.compact) } ?? "any"
    return stableHash(
      "checkpoints \(Self.generatorVersion) \(generator.fingerprint) \(space.layout.name) \(config)"
    )
  }

  /// The property; once `isShrinking`, laws behind the first that fails the case are left out;
  /// `failing` is told of each case that fails.
  ///
  /// A case whose violations are all known passes, so that shrinking never slips from another
  /// violation into a known one.
  func property(
    isShrinking: @escaping @Sendable () -> Bool = { false },
    failing: @escaping @Sendable () -> Void = {}
  ) -> Property<CheckpointSpec> {
    Property(generator) { [judge] spec, context in
      let judgement = judge.judge(spec, isComplete: !isShrinking())
      if judge.adapter.isStopped { return .discard }
      context.annotation = judgement.marks(of: spec).bytes
      guard let failure = judgement.failure else { return .pass }
      failing()
      return .fail(failure.key(judge.laws), failure.violation.summary)
    }
  }

  /// The checkpoint of choices that were made in this space, which no law is checked on.
  func spec(of choices: ChoiceSequence) -> CheckpointSpec {
    Property(generator) { _, _ in .pass }.replay(choices).value
  }
}

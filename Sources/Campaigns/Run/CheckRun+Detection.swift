// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
public import CheckpointGenerators
internal import PropertyEngine

/// The first checkpoint on which an adapter was seen to break a law.
public struct Detection: Sendable {
  /// Its number among those checked, from 1.
  public var example: Int
  /// The laws that it breaks in a way that is not known, in their order.
  public var laws: [String]
  /// The choices that make it.
  let choices: ChoiceSequence
}

extension CheckRun {
  /// Whether a law is broken on a checkpoint in a way that is not known.
  public func fails(_ spec: CheckpointSpec) -> Bool {
    check(spec, isComplete: false).failure != nil
  }

  /// Checks checkpoints until a law is broken in a way that is not known, and shrinks nothing.
  ///
  /// - Returns: Where that was; nil if all `examples` pass.
  /// - Throws: `CheckError` if nothing could be checked.
  public func detect(_ settings: RunSettings) throws(CheckError) -> Detection? {
    guard settings.examples > 0 else { throw .noExamples(requested: settings.examples) }
    var engine = engineSettings(settings)
    engine.mostFailures = 1
    engine.keepsGoing = false
    engine.shrinkExecutions = 0
    // The rest of a batch says nothing any more, nor does the failing case a second time.
    let isFound = Flag()
    engine.isCancelled = { isFound.isSet || settings.isCancelled?() == true }
    try validate()
    var tally = self.report(settings)
    let report = property(failing: { isFound.set() }).run(engine) { event in
      if case .executed(let observation) = event { tally.count(observation) }
    }
    guard let finding = report.counterexamples.first, let choices = finding.choices else {
      return nil
    }
    return Detection(
      example: finding.caseNumber, laws: tally.laws.filter { $0.broken > 0 }.map(\.law.name),
      choices: choices)
  }

  /// Shrinks what was detected by each law that it breaks, and gives the simplest outcome; a law
  /// that says nothing about plain checkpoints does not lead to the simplest one.
  ///
  /// - Throws: `CheckError` if nothing could be checked.
  public func smallest(
    _ detection: Detection, _ settings: RunSettings
  ) throws(CheckError) -> Failure? {
    var simplest: Failure?
    for law in laws where detection.laws.contains(law.name) {
      let run = CheckRun(
        adapter, laws: [law], space: space, known: known, arguments: arguments,
        checkArguments: checkArguments)
      for choices in [simplest?.choices, detection.choices].compactMap(\.self) {
        let failures = try run.failures(of: choices, settings)
        if failures.isEmpty { continue }
        for failure in failures where simplest.map(failure.isSimpler) ?? true { simplest = failure }
        break
      }
    }
    // A fault of what is kept between calls may need the calls of several laws.
    if simplest == nil { simplest = try failures(of: detection.choices, settings).first }
    return simplest
  }

  /// The failures of a checkpoint and of those on the way to the simplest.
  private func failures(
    of choices: ChoiceSequence, _ settings: RunSettings
  ) throws(CheckError) -> [Failure] {
    try validate()
    var engine = engineSettings(settings)
    engine.replays = [choices]
    // Nothing is generated, should the checkpoint not fail by this law.
    engine.examples = 0
    return property().run(engine).counterexamples.compactMap { Failure($0, self) }
  }
}

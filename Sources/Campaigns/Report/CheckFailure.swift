// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
public import CheckpointGenerators
import Layouts
internal import PropertyEngine
public import StrictJSON

/// A law broken on a checkpoint that was made as small as possible.
public struct CheckFailure: Sendable {
  /// How a failure was found.
  public struct Discovery: Sendable, Equatable {
    /// How many checkpoints had been judged by then.
    public var example: Int
    /// How often the checkpoint became simpler.
    public var simplifications: Int
    /// Checkpoints tried while making it small.
    public var executions: Int
    /// Whether a limit ended that before nothing could be left out any more.
    public var stoppedEarly: Bool
    /// Whether it was not made small, because enough other failures were.
    public var isAsFound = false
  }

  /// A law broken on the checkpoint, and how.
  public struct BrokenLaw: Sendable, Equatable {
    /// The name of the law.
    public var law: String
    /// The way it failed.
    public var kind: String
    /// The class of tensors where it failed.
    public var place: String
    /// What happened, in one line.
    public var summary: String
    /// The id of the known divergence that explains it, if one does.
    public var known: String?
  }

  /// The law.
  public var law: LawSummary
  /// The way it failed.
  public var kind: String
  /// The class of tensors where it failed.
  public var place: String
  /// What happened, in one line.
  public var summary: String
  /// What the adapter did wrong, in sentences.
  public var diagnosis: [String]
  /// The `config.json` of the checkpoint.
  public var config: JSONValue
  /// The checkpoint in one phrase.
  public var checkpoint: String { spec.description }
  /// What differs, in lines.
  public var mismatch: [String]
  /// Where elements differ, drawn, if they do.
  public var heatMap: HeatMapFigure?
  /// All laws that the checkpoint breaks, in their order.
  public var brokenLaws: [BrokenLaw]
  /// How it was found; nil in a replay.
  public var discovery: Discovery?
  /// How outcomes of the same checkpoint differed, if they did.
  public var flakiness: String?
  /// The checkpoint as text that `hymt2 replay` makes it from.
  public var token: String
  /// The command that judges it again.
  public var replayCommand: String
  /// What the checkpoint follows from.
  public var spec: CheckpointSpec
  /// The causes as text that is the same on all checkpoints that show them, if there is one.
  var cause: String?
  /// The choices that make the checkpoint.
  var choices: ChoiceSequence
  /// Both sides of the comparison that failed, if there was one.
  var evidence: Violation.Evidence?
}

/// Where elements of a tensor differ, drawn.
public struct HeatMapFigure: Sendable, Equatable {
  /// Lines of characters.
  public var text: [String]
  /// An SVG element.
  public var svg: String
}

extension CheckFailure {
  /// Whether the checkpoint is plainer: in more of what is drawn, or else in what is more important.
  public func isSimpler(than other: CheckFailure) -> Bool {
    let (count, otherCount) = (choices.nontrivialCount, other.choices.nontrivialCount)
    return count != otherCount ? count < otherCount : choices.isSimpler(than: other.choices)
  }

  /// All about a failure that the search found; nil of one without choices, of which there is none.
  init?(_ finding: Finding, _ run: CheckRun, _ check: CheckProperty) {
    guard let choices = finding.choices else { return nil }
    let spec = check.spec(of: choices)
    let judgement = check.judge.judge(spec)
    let token = check.token(of: choices)
    let known = judgement.broken.first { broken in
      let key = FailureKey(
        law: run.laws[broken.law].name, kind: broken.violation.kind, place: broken.violation.place)
      return key == finding.key && broken.known == nil
    }
    let law = known?.law ?? run.laws.firstIndex { $0.name == finding.key.law } ?? 0
    let violation =
      known?.violation
      ?? Violation(
        finding.key.kind, place: finding.key.place, step: .fromHF(nil), finding.message)
    self.init(law, violation, spec, judgement, run, token)
    discovery = Discovery(
      example: finding.caseNumber, simplifications: finding.shrinking.successes,
      executions: finding.shrinking.executions, stoppedEarly: finding.shrinking.stoppedEarly,
      isAsFound: finding.shrinking.wasLeftOut)
    flakiness = finding.flakiness.map {
      "first it \(Self.text($0.first)), then it \(Self.text($0.second))"
    }
    if flakiness == nil, known == nil {
      flakiness = "it was broken in the search and held when it was judged once more"
    }
  }

  init(
    _ law: Int, _ violation: Violation, _ spec: CheckpointSpec, _ judgement: Judgement,
    _ run: CheckRun, _ token: ReplayToken
  ) {
    let account = ViolationAccount(violation, of: run.laws[law], spec, run.adapter)
    self.init(
      law: LawSummary(run.laws[law]), kind: violation.kind, place: violation.place,
      summary: violation.summary, diagnosis: account.diagnosis, config: spec.config.json,
      mismatch: account.mismatch, heatMap: account.heatMap,
      brokenLaws: judgement.broken.map { broken in
        BrokenLaw(
          law: run.laws[broken.law].name, kind: broken.violation.kind,
          place: broken.violation.place, summary: broken.violation.summary,
          known: broken.known.flatMap { run.known?.entries[$0].id })
      },
      token: token.text,
      replayCommand: shellCommand(["hymt2", "replay", token.text] + run.arguments), spec: spec,
      cause: account.cause, choices: token.choices, evidence: violation.evidence)
  }

  private static func text(_ outcome: Outcome) -> String {
    switch outcome {
    case .pass: "held"
    case .discard: "was no valid checkpoint"
    case .fail(let key, let message): "was broken (\(key)\(message.isEmpty ? "" : ": \(message)"))"
    }
  }
}

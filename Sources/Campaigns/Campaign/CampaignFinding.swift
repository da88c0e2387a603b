// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import StrictJSON

/// A failure that a campaign has found, on the smallest checkpoint that shows it.
public struct CampaignFinding: Sendable, Equatable {
  /// The phase in which it was found first.
  public var phase: CampaignPhase
  /// The number of the case in which it was found first, from 0, the same in every shard; nil of a
  /// case of the corpus and of what is no case.
  public var caseNumber: Int?
  /// Seconds of work until then.
  public var seconds: Double
  /// How many cases of the campaign showed it.
  public var occurrences: Int
  /// What tells failures apart as they are found: law, kind, place and cause.
  public var signature: String
  /// The law; of a refuted plan or layer, one with the phase's name.
  public var law: LawSummary
  /// The way it failed.
  public var kind: String
  /// The class of tensors where it failed.
  public var place: String
  /// What happened, in one line.
  public var summary: String
  /// What the adapter did wrong, in sentences.
  public var diagnosis: [String]
  /// The causes as text that is the same on all checkpoints that show them, if there is one.
  public var cause: String?
  /// The `config.json` of the checkpoint.
  public var config: JSONValue
  /// The checkpoint in one phrase.
  public var checkpoint: String
  /// The checkpoint's facts with their names.
  public var facts: [Fact]
  /// The labels of its values by axis; an axis that does not list the value is left out.
  public var axes: [AxisLabel]
  /// What differs, in lines.
  public var mismatch: [String]
  /// Where elements differ, drawn, if they do.
  public var heatMap: HeatMapFigure?
  /// All laws that the checkpoint breaks, in their order.
  public var brokenLaws: [CheckFailure.BrokenLaw]
  /// How it was made small; nil if it was not.
  public var shrinking: Shrinking?
  /// How outcomes of the same checkpoint differed, if they did.
  public var flakiness: String?
  /// The checkpoint as text that `hymt2 replay` makes it from; nil of what is no case.
  public var token: String?
  /// The command that judges it again.
  public var replayCommand: String

  /// A fact about a checkpoint.
  public struct Fact: Sendable, Equatable {
    /// What it is about.
    public var name: String
    /// The value.
    public var value: String
  }

  /// The label of a value of an axis.
  public struct AxisLabel: Sendable, Equatable {
    /// The name of the axis.
    public var axis: String
    /// The label.
    public var label: String
  }

  /// How a checkpoint was made small.
  public struct Shrinking: Sendable, Equatable {
    /// How often it became simpler.
    public var simplifications: Int
    /// Checkpoints tried.
    public var executions: Int
    /// Whether a limit ended that before nothing could be left out any more.
    public var stoppedEarly: Bool
  }

  /// What the adapter did wrong, in one sentence.
  public var sentence: String { diagnosis.first ?? summary }

  /// Whether both are of one law on one checkpoint.
  func isSame(as other: CampaignFinding) -> Bool {
    law == other.law && token != nil && token == other.token
  }

  /// Whether both have the same causes, or look so much alike that they may.
  func isAlike(_ other: CampaignFinding) -> Bool {
    if let cause, let otherCause = other.cause { return cause == otherCause }
    return law == other.law && sentence == other.sentence
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CheckpointGenerators
internal import StrictJSON

/// What reports show of a failure, be it one of a check or of a campaign.
protocol ReportedFailure {
  var law: LawSummary { get }
  var kind: String { get }
  var place: String { get }
  var summary: String { get }
  var diagnosis: [String] { get }
  var config: JSONValue { get }
  /// The checkpoint in one phrase.
  var checkpoint: String { get }
  var namedFacts: [(name: String, value: String)] { get }
  var mismatch: [String] { get }
  var heatMap: HeatMapFigure? { get }
  var brokenLaws: [CheckFailure.BrokenLaw] { get }
  /// How it was found; nil in a replay.
  var story: FailureStory? { get }
  var flakiness: String? { get }
  /// The token, if a token makes the checkpoint.
  var tokenText: String? { get }
  var replayCommand: String { get }
}

extension ReportedFailure {
  /// What is wrong in one sentence.
  var sentence: String { diagnosis.first ?? summary }

  /// What is wrong, or if that is not known, what happened.
  var sentences: [String] { diagnosis.isEmpty ? [summary] : diagnosis }
}

/// How a failure was found and made small.
struct FailureStory: Equatable {
  enum Shrinking: Equatable {
    case simplified(times: Int, attempts: Int, stoppedEarly: Bool)
    /// Enough other failures were made small.
    case leftOut
    /// It is about the config, of which there is only one.
    case none
  }

  /// Where and when, such as `found in example 12`.
  let discovery: String
  let shrinking: Shrinking

  /// What the checkpoint is.
  var title: String {
    switch shrinking {
    case .simplified: "the smallest checkpoint that shows it"
    case .leftOut: "a checkpoint that shows it"
    case .none: "what shows it"
    }
  }

  /// How it was found and made small, in a phrase.
  var text: String {
    switch shrinking {
    case .simplified(let times, let attempts, let stoppedEarly):
      "\(discovery), made simpler \(counted(times, "time")) in \(counted(attempts, "attempt"))"
        + (stoppedEarly ? ", until a limit was reached" : "")
    case .leftOut: "\(discovery), not made simpler, because enough others were"
    case .none: discovery
    }
  }
}

extension CheckFailure: ReportedFailure {
  var namedFacts: [(name: String, value: String)] { spec.facts.map { ($0.name, $0.value) } }

  var tokenText: String? { token }

  var story: FailureStory? {
    discovery.map { discovery in
      FailureStory(
        discovery: "found in example \(grouped(discovery.example))",
        shrinking: discovery.isAsFound
          ? .leftOut
          : .simplified(
            times: discovery.simplifications, attempts: discovery.executions,
            stoppedEarly: discovery.stoppedEarly))
    }
  }
}

extension CampaignFinding: ReportedFailure {
  var namedFacts: [(name: String, value: String)] { facts.map { ($0.name, $0.value) } }

  var tokenText: String? { token }

  var story: FailureStory? {
    let time = "after \(durationText(seconds))"
    let discovery =
      if let caseNumber {
        "found in case \(grouped(caseNumber)) (\(phase.rawValue)) \(time)"
      } else {
        "found in the phase '\(phase.rawValue)' \(time)"
      }
    let count = occurrences > 1 ? ", seen in \(counted(occurrences, "case"))" : ""
    return FailureStory(
      discovery: discovery + count,
      shrinking: shrinking.map {
        .simplified(
          times: $0.simplifications, attempts: $0.executions, stoppedEarly: $0.stoppedEarly)
      } ?? (token == nil ? .none : .leftOut))
  }
}

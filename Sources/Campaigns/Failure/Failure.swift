// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
public import CheckpointGenerators
internal import PropertyEngine
public import StrictJSON

/// A law broken on a checkpoint, which was shrunk; or a plan or layer at full size
/// that is refuted.
public struct Failure: Sendable {
  /// The law; of a refuted plan or layer, one with the phase's name.
  public var law = LawSummary()
  /// The way it failed.
  public var kind = ""
  /// The class of tensors where it failed.
  public var place = ""
  /// What happened, in one line.
  public var summary = ""
  /// What the adapter did wrong, in sentences.
  public var diagnosis: [String] = []
  /// What the adapter did wrong, for machines; empty where nothing is known but how the law failed.
  public var causes: [Cause] = []
  /// The `config.json` of the checkpoint.
  public var config = JSONValue.null
  /// The checkpoint in one phrase.
  public var checkpoint = ""
  /// The checkpoint's facts by their names.
  public var facts = JSONObject()
  /// The labels of the checkpoint's values by axis; null for one that an axis does not list.
  public var axes = JSONObject()
  /// What differs, in lines.
  public var mismatch: [String] = []
  /// Where elements differ, drawn, if they do.
  public var heatMap: HeatMapFigure?
  /// All laws that the checkpoint breaks, in their order.
  public var brokenLaws: [BrokenLaw] = []
  /// How it was found; nil in a replay.
  public var discovery: Discovery?
  /// How the checkpoint was shrunk; nil if it was not.
  public var shrinking: Shrinking?
  /// How outcomes of the same checkpoint differed, if they did.
  public var flakiness: String?
  /// The checkpoint as text that `hymt2 replay` makes it from; nil of what is no case.
  public var token: String?
  /// The command that checks it again.
  public var replayCommand = ""
  /// What tells failures of a campaign apart as they are found: law, kind, place and cause.
  var signature = ""

  /// What the checkpoint follows from; nil of a failure that was read from a file.
  public var spec: CheckpointSpec?
  /// The choices that make the checkpoint.
  var choices: ChoiceSequence?
  /// Both sides of the comparison that failed, if there was one.
  var evidence: Violation.Evidence?

  /// How a failure was found.
  public struct Discovery: Sendable, Equatable {
    /// The phase of the campaign in which it was found first; nil in a check.
    public var phase: CampaignPhase?
    /// The number of the case in which it was found first: in a check from 1, in a campaign from 0,
    /// the same in every shard; nil of a case of the corpus and of what is no case.
    public var number: Int?
    /// Seconds of work of the campaign until then.
    public var seconds = 0.0
    /// How many cases of the campaign showed it.
    public var occurrences = 1
  }

  /// How a checkpoint was shrunk.
  public struct Shrinking: Sendable, Equatable {
    /// How often it became simpler.
    public var simplifications = 0
    /// Checkpoints tried.
    public var executions = 0
    /// Whether a limit ended that before nothing could be left out any more.
    public var stoppedEarly = false
  }

  /// A law broken on the checkpoint, and how.
  public struct BrokenLaw: Sendable, Equatable {
    /// The name of the law.
    public var law = ""
    /// The way it failed.
    public var kind = ""
    /// The class of tensors where it failed.
    public var place = ""
    /// What happened, in one line.
    public var summary = ""
    /// The id of the known divergence that explains it, if one does.
    public var known: String?
  }
}

/// Where elements of a tensor differ, drawn.
public struct HeatMapFigure: Sendable, Equatable {
  /// Lines of characters.
  public var text: [String]
  /// An SVG element.
  public var svg: String
}

extension Failure {
  /// What is wrong, or if that is not known, what happened.
  var sentences: [String] { diagnosis.isEmpty ? [summary] : diagnosis }

  /// What the adapter did wrong, in one sentence.
  public var sentence: String { sentences[0] }

  /// Whether it is as found, because enough other failures were shrunk.
  var isAsFound: Bool { discovery != nil && shrinking == nil && token != nil }

  /// What the checkpoint is.
  var title: String {
    if discovery == nil { return "the checkpoint" }
    if shrinking != nil { return "the smallest checkpoint that shows it" }
    return token == nil ? "what shows it" : "a checkpoint that shows it"
  }

  /// How it was found and shrunk, in a phrase; nil in a replay.
  var story: String? {
    guard let discovery else { return nil }
    guard let shrinking else {
      return discovery.text
        + (isAsFound ? ", not shrunk, because enough others were" : "")
    }
    return "\(discovery.text), shrunk \(counted(shrinking.simplifications, "time")) in "
      + counted(shrinking.executions, "attempt")
      + (shrinking.stoppedEarly ? ", until a limit was reached" : "")
  }

  /// Whether the checkpoint is plainer: in more of what is drawn, or else in what is more important.
  public func isSimpler(than other: Failure) -> Bool {
    guard let choices, let others = other.choices else { return false }
    let (count, otherCount) = (choices.nontrivialCount, others.nontrivialCount)
    return count != otherCount ? count < otherCount : choices.isSimpler(than: others)
  }

  /// Whether both are of one law on one checkpoint.
  func isSame(as other: Failure) -> Bool {
    law == other.law && token != nil && token == other.token
  }
}

extension Failure.Discovery {
  fileprivate var text: String {
    guard let phase else { return "found in example \(grouped(number ?? 0))" }
    let place =
      number.map { "in case \(grouped($0)) (\(phase.rawValue))" }
      ?? "in the phase '\(phase.rawValue)'"
    return "found \(place) after \(durationText(seconds))"
      + (occurrences > 1 ? ", seen in \(counted(occurrences, "case"))" : "")
  }
}

extension Failure: JSONRecord {
  mutating func members(_ table: inout JSONTable) throws(JSONFieldError) {
    try law.members(&table, nameAs: "law")
    try table.member("kind", &kind)
    try table.member("place", &place)
    try table.member("summary", &summary)
    try table.member("diagnosis", &diagnosis)
    try table.member("config", &config)
    try table.member("checkpoint", &checkpoint)
    try table.member("facts", &facts)
    try table.member("mismatch", &mismatch)
    var (lines, svg) = (heatMap?.text ?? [], heatMap?.svg)
    try table.member("heatMap", &lines)
    try table.kept("heatMapSVG", &svg)
    heatMap = svg.map { HeatMapFigure(text: lines, svg: $0) }
    try table.member("brokenLaws", &brokenLaws)
    try table.member("flakiness", &flakiness)
    try table.member("token", &token)
    try table.member("replay", &replayCommand)
    table.shown("cause", cause.json(isWhole: false))
    try table.member("causes", &causes)
    try table.kept("signature", &signature)
    try table.member("axes", &axes)
    guard table.source != nil || discovery?.phase != nil else {
      return table.shown("discovery", checkDiscovery)
    }
    var found = discovery ?? Discovery()
    try table.member("phase", &found.phase)
    try table.member("case", &found.number)
    try table.member("seconds", &found.seconds)
    try table.member("occurrences", &found.occurrences)
    discovery = found
    try table.member("shrinking", &shrinking)
  }

  private var checkDiscovery: JSONValue {
    guard let discovery else { return .null }
    var object = (shrinking ?? Shrinking()).shown
    object["example"] = JSONValue(discovery.number ?? 0)
    object["asFound"] = .bool(isAsFound)
    return .object(object)
  }

  /// The failure as a JSON object, with the number of its group if it has one.
  func json(group: Int?) -> JSONValue {
    var object = shown
    object["group"] = group.map { JSONValue($0) } ?? .null
    return .object(object)
  }
}

extension Failure.Shrinking: JSONRecord {
  mutating func members(_ table: inout JSONTable) throws(JSONFieldError) {
    try table.member("simplifications", &simplifications)
    try table.member("executions", &executions)
    try table.member("stoppedEarly", &stoppedEarly)
  }
}

extension Failure.BrokenLaw: JSONRecord {
  mutating func members(_ table: inout JSONTable) throws(JSONFieldError) {
    try table.member("law", &law)
    try table.member("kind", &kind)
    try table.member("place", &place)
    try table.member("summary", &summary)
    try table.member("known", &known)
  }
}

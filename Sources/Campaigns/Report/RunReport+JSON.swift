// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CheckpointGenerators
internal import Layouts
public import StrictJSON

extension RunReport {
  /// The members of the report's JSON document beside `schemaVersion`, `command` and `ok`.
  public var json: [(String, JSONValue)] { Array(shown.members) }

  /// Whether this is a campaign like another that came to no end, so that it can be taken up again.
  func isResumable(as other: RunReport) -> Bool {
    (end == .unfinished || end == .cancelled) && seed == other.seed && budget == other.budget
      && layout == other.layout && shards == other.shards
      && laws.map(\.law) == other.laws.map(\.law)
      && known?.tallies.map(\.id) == other.known?.tallies.map(\.id) && leftOut == other.leftOut
  }
}

extension RunReport: JSONRecord {
  mutating func members(_ table: inout JSONTable) throws(JSONFieldError) {
    try table.member("adapter", &adapter)
    try table.member("adapterVersion", &version)
    try layoutMembers(&table)
    try table.member("seed", &seed)
    table.shown("reproduce", .string(command))
    try table.kept("arguments", &arguments)
    if table.source != nil || config != nil { try campaignMembers(&table) }
    try table.member("end", &end)
    table.shown("verdict", .string(verdict))
    table.shown(config == nil ? "examples" : "cases", counts)
    try table.kept("passed", &passed)
    try table.kept("failed", &failed)
    table.shown("laws", shownLaws)
    try table.kept("laws", &laws)
    table.shown("coverage", coverage.json)
    try table.kept("reach", &reach)
    table.shown(
      "invalidInput", .object(JSONObject(invalidInput.map { ($0.kind, JSONValue($0.count)) })))
    try table.kept("faultCounts", &faultCounts)
    try table.selections("leftOut", &leftOut)
    table.shown("knownOf", (known?.subject).json(isWhole: false))
    table.shown("known", (known?.tallies ?? []).json(isWhole: false))
    try table.kept("known", &known)
    let name = config == nil ? "failures" : "findings"
    table.shown(name, shownFailures)
    try table.kept("findings", &failures)
  }

  private mutating func campaignMembers(_ table: inout JSONTable) throws(JSONFieldError) {
    try table.member("config", &config)
    try table.member("shards", &shards)
    guard !shards.isEmpty else {
      throw JSONField(.null)["shards"].error(expected: "shards such as 1/8", found: "none")
    }
    table.shown("missingShards", missingShards.json(isWhole: false))
    try table.member("budget", &budget)
    try table.member("seconds", &seconds)
    try table.member("sessions", &sessions)
    try table.member("phases", &phases)
    try table.member("corpus", &corpus)
    try table.member("damagedFiles", &damaged)
  }

  /// The names of the layout, and the table if it is none that the program has.
  private mutating func layoutMembers(_ table: inout JSONTable) throws(JSONFieldError) {
    var (name, native) = (layout.name, layout.native)
    try table.member("layout", &name)
    try table.member("native", &native)
    let isKnown = (try? Layout.named(name, native: native)) == layout
    var text = isKnown ? nil : layout.text
    try table.kept("layoutTable", &text)
    guard let source = table.source else { return }
    do {
      layout =
        try text.map { try Layout(text: $0, name: name, native: native) }
        ?? Layout.named(name, native: native)
    } catch {
      throw source["layout"].error(expected: "a layout that this version knows")
    }
  }

  private var counts: JSONValue {
    var counts: JSONObject = [
      "judged": JSONValue(judged), "passed": JSONValue(passed),
      "passedAsKnown": JSONValue(known?.passed ?? 0), "failed": JSONValue(failed),
    ]
    if case .examples(let requested) = budget, config == nil {
      counts["requested"] = JSONValue(requested)
      counts["repeated"] = JSONValue(repeated)
    }
    return .object(counts)
  }

  private var shownLaws: JSONValue {
    .array(
      laws.map { tally in
        var object = tally.shown
        object["ok"] = .bool(!isBroken(tally))
        return .object(object)
      })
  }

  private var shownFailures: JSONValue {
    var result: [JSONValue] = []
    for (position, group) in failureGroups.enumerated() {
      result += group.map { $0.json(group: position + 1) }
    }
    return .array(result)
  }
}

extension RunReport.End: JSONMember {}

extension CampaignPhase: JSONMember {}

extension Shard: JSONMember {
  func json(isWhole: Bool) -> JSONValue { .string(description) }

  init(_ field: JSONField) throws(JSONFieldError) {
    guard let shard = Shard(try field.string()) else {
      throw field.error(expected: "a shard such as 1/8")
    }
    self = shard
  }
}

extension RunBudget: JSONMember {
  func json(isWhole: Bool) -> JSONValue {
    switch self {
    case .seconds(let seconds): ["seconds": JSONValue(seconds)]
    case .examples(let examples): ["examples": JSONValue(examples)]
    }
  }

  init(_ field: JSONField) throws(JSONFieldError) {
    let seconds = field["seconds"]
    self =
      seconds.json == nil
      ? .examples(try field["examples"].count()) : .seconds(try seconds.count())
  }
}

extension CampaignConfig: JSONRecord {
  mutating func members(_ table: inout JSONTable) throws(JSONFieldError) {
    try table.member("path", &path)
    try table.member("summary", &summary)
    try table.member("text", &text)
  }
}

extension CampaignPhaseTally: JSONRecord {
  mutating func members(_ table: inout JSONTable) throws(JSONFieldError) {
    try table.member("name", &phase)
    table.shown("summary", .string(phase.summary))
    try table.member("judged", &judged)
    try table.member("failed", &failed)
    try table.member("note", &note)
  }
}

extension CorpusFigures: JSONRecord {
  mutating func members(_ table: inout JSONTable) throws(JSONFieldError) {
    try table.member("folder", &folder)
    try table.member("cases", &cases)
    try table.member("added", &added)
    try table.member("failures", &failures)
  }
}

extension DamagedFile: JSONRecord {
  mutating func members(_ table: inout JSONTable) throws(JSONFieldError) {
    try table.member("reason", &reason)
    try table.member("keptAt", &keptAt)
    try table.member("consequence", &consequence)
  }
}

extension AxisReach: JSONMember {
  func json(isWhole: Bool) -> JSONValue {
    [
      "cases": JSONValue(cases), "values": valueCountList.json(isWhole: isWhole),
      "pairs": .string(Hexadecimal.text(pairBytes)),
      "triples": .string(Hexadecimal.text(tripleBytes)),
    ]
  }

  init(_ field: JSONField) throws(JSONFieldError) {
    let reach = AxisReach(
      cases: try field["cases"].count(), valueCountList: try [Int](field["values"]),
      pairBytes: Hexadecimal.bytes(try field["pairs"].string()) ?? [],
      tripleBytes: Hexadecimal.bytes(try field["triples"].string()) ?? [])
    guard let reach else {
      throw field.error(expected: "combinations of the axes of this version", found: "others")
    }
    self = reach
  }
}

extension SpaceCoverage {
  fileprivate var json: JSONValue {
    var object = JSONObject(
      zip(["values", "pairs", "triples"], shares).map { name, share in
        let numbers: JSONValue = [
          "reached": JSONValue(share.share.reached), "feasible": JSONValue(share.share.feasible),
          "permille": JSONValue(share.share.permille),
        ]
        return (name, numbers)
      })
    object["missingPairs"] = .strings(missingPairs)
    object["axes"] = .array(
      axes.map { axis in
        [
          "name": .string(axis.name),
          "values": .array(
            axis.values.map { value in
              [
                "label": .string(value.label), "examples": JSONValue(value.count),
                "feasible": .bool(value.isFeasible),
              ]
            }),
        ]
      })
    return .object(object)
  }
}

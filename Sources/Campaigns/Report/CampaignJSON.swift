// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CheckpointGenerators
import Layouts
public import StrictJSON

extension CampaignReport {
  /// The members of the report's JSON document beside `schemaVersion`, `command` and `ok`.
  public var json: [(String, JSONValue)] {
    [
      ("adapter", .string(adapter)), ("adapterVersion", version.map { .string($0) } ?? .null),
      ("layout", .string(layout.name)), ("native", .string(layout.native)),
      ("seed", JSONValue(seed)), ("reproduce", .string(command)),
      ("config", ["path": .string(configPath), "summary": .string(configSummary), "text": config]),
      ("shards", .strings(shards.map(\.description))),
      ("missingShards", .strings(missingShards.map(\.description))),
      ("budget", budget.json), ("seconds", JSONValue(seconds)), ("sessions", JSONValue(sessions)),
      ("end", .string(end.rawValue)), ("verdict", .string(verdict)),
      (
        "cases",
        ["judged": JSONValue(judged), "passed": JSONValue(passed), "failed": JSONValue(failed)]
      ),
      ("phases", .array(phases.map(\.json))),
      ("laws", .array(laws.map { $0.json(isBroken: isBroken($0)) })),
      ("coverage", coverage.json), ("pairsOfAxes", .array(pairs.map(\.json))),
      ("leftOut", .object(JSONObject(leftOut.map { ($0.axis, .strings($0.values)) }))),
      ("known", .array(known.map(\.json))),
      (
        "findings",
        .array(
          findingGroups.enumerated().flatMap { position, group in
            group.map { $0.json(group: position + 1) }
          })
      ),
      ("corpus", corpus?.json ?? .null), ("damagedFiles", .array(damaged.map(\.state))),
    ]
  }
}

extension CampaignBudget {
  fileprivate var json: JSONValue {
    switch self {
    case .seconds(let seconds): ["seconds": JSONValue(seconds)]
    case .examples(let examples): ["examples": JSONValue(examples)]
    }
  }
}

extension CampaignPhaseTally {
  fileprivate var json: JSONValue {
    [
      "name": .string(phase.rawValue), "summary": .string(phase.summary),
      "judged": JSONValue(judged), "failed": JSONValue(failed), "note": .string(note),
    ]
  }
}

extension AxisPairShare {
  fileprivate var json: JSONValue {
    [
      "first": .string(first), "second": .string(second), "reached": JSONValue(share.reached),
      "feasible": JSONValue(share.feasible),
    ]
  }
}

extension CampaignKnown {
  fileprivate var json: JSONValue {
    [
      "id": .string(id), "title": .string(title), "decision": .string(decision),
      "token": .string(token), "examples": JSONValue(checkpoints),
    ]
  }
}

extension CorpusFigures {
  fileprivate var json: JSONValue {
    [
      "folder": .string(folder), "cases": JSONValue(cases), "added": JSONValue(added),
      "failures": JSONValue(failures),
    ]
  }
}

extension CampaignFinding {
  /// The finding as a JSON object with the number of its group, which has one cause.
  fileprivate func json(group: Int) -> JSONValue {
    let shrinking: JSONValue =
      shrinking.map { shrinking in
        [
          "simplifications": JSONValue(shrinking.simplifications),
          "executions": JSONValue(shrinking.executions),
          "stoppedEarly": .bool(shrinking.stoppedEarly),
        ]
      } ?? .null
    let own: [(String, JSONValue)] = [
      ("cause", cause.map { .string($0) } ?? .null), ("group", JSONValue(group)),
      ("axes", .object(JSONObject(axes.map { ($0.axis, .string($0.label)) }))),
      ("phase", .string(phase.rawValue)),
      ("case", caseNumber.map { JSONValue($0) } ?? .null), ("seconds", JSONValue(seconds)),
      ("occurrences", JSONValue(occurrences)), ("shrinking", shrinking),
    ]
    return .object(JSONObject(members + own))
  }
}

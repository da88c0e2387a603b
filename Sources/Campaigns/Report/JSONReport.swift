// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CheckpointGenerators
internal import Layouts
public import StrictJSON

extension CheckReport {
  /// The members of the report's JSON document beside `schemaVersion`, `command` and `ok`.
  public var json: [(String, JSONValue)] {
    [
      ("adapter", .string(adapter)), ("adapterVersion", version.map { .string($0) } ?? .null),
      ("layout", .string(layout.name)), ("native", .string(layout.native)),
      ("seed", JSONValue(seed)), ("reproduce", .string(command)),
      ("end", .string(end.rawValue)), ("verdict", .string(verdict)),
      (
        "examples",
        [
          "requested": JSONValue(requested), "judged": JSONValue(judged),
          "passed": JSONValue(passed), "passedAsKnown": JSONValue(known?.passed ?? 0),
          "failed": JSONValue(failed),
          "repeated": JSONValue(repeated),
        ]
      ),
      ("laws", .array(laws.map { $0.json(isBroken: isBroken($0)) })), ("coverage", coverage.json),
      ("leftOut", .object(JSONObject(leftOut.map { ($0.axis, .strings($0.values)) }))),
      ("knownOf", known.map { .string($0.divergences.subject) } ?? .null),
      ("known", .array(known?.tallies.map(\.json) ?? [])),
      (
        "failures",
        .array(
          failureGroups.enumerated().flatMap { position, group in
            group.map { $0.json(group: position + 1) }
          })
      ),
    ]
  }

}

extension LawTally {
  func json(isBroken: Bool) -> JSONValue {
    [
      "name": .string(law.name), "statement": .string(law.statement),
      "reason": .string(law.reason), "brokenBy": .string(law.brokenBy), "ok": .bool(!isBroken),
      "judged": JSONValue(judged), "held": JSONValue(held), "broken": JSONValue(broken),
      "known": JSONValue(known), "notApplicable": JSONValue(notApplicable),
    ]
  }
}

extension KnownTally {
  fileprivate var json: JSONValue {
    [
      "id": .string(divergence.id), "title": .string(divergence.title),
      "decision": .string(divergence.decision), "state": .string(state.rawValue),
      "examples": JSONValue(checkpoints), "token": .string(divergence.token),
    ]
  }
}

extension JSONValue {
  /// A list of strings.
  static func strings(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
}

extension SpaceCoverage {
  var json: JSONValue {
    [
      "values": values.json, "pairs": pairs.json, "triples": triples.json,
      "missingPairs": .array(missingPairs.map { .string($0) }),
      "axes": .array(
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
        }),
    ]
  }
}

extension SpaceCoverage.Share {
  fileprivate var json: JSONValue {
    [
      "reached": JSONValue(reached), "feasible": JSONValue(feasible),
      "permille": JSONValue(permille),
    ]
  }
}

extension CheckFailure {
  /// The failure as a JSON object.
  public var json: JSONValue { json(group: nil) }

  /// The failure as a JSON object with the number of its group, which has one cause.
  func json(group: Int?) -> JSONValue {
    let discovery: JSONValue =
      discovery.map { discovery in
        [
          "example": JSONValue(discovery.example),
          "simplifications": JSONValue(discovery.simplifications),
          "executions": JSONValue(discovery.executions),
          "stoppedEarly": .bool(discovery.stoppedEarly),
          "asFound": .bool(discovery.isAsFound),
        ]
      } ?? .null
    let own: [(String, JSONValue)] = [
      ("cause", cause.map { .string($0) } ?? .null),
      ("group", group.map { JSONValue($0) } ?? .null), ("axes", axes), ("discovery", discovery),
    ]
    return .object(JSONObject(members + own))
  }
}

extension ReportedFailure {
  /// The members that the JSON objects of all failures have.
  var members: [(String, JSONValue)] {
    [
      ("law", .string(law.name)), ("statement", .string(law.statement)),
      ("reason", .string(law.reason)), ("kind", .string(kind)), ("place", .string(place)),
      ("summary", .string(summary)), ("diagnosis", .strings(diagnosis)), ("config", config),
      ("checkpoint", .string(checkpoint)),
      ("facts", .object(JSONObject(namedFacts.map { ($0.name, .string($0.value)) }))),
      ("mismatch", .strings(mismatch)), ("heatMap", .strings(heatMap?.text ?? [])),
      ("brokenLaws", .array(brokenLaws.map(\.json))),
      ("flakiness", flakiness.map { .string($0) } ?? .null),
      ("token", tokenText.map { .string($0) } ?? .null), ("replay", .string(replayCommand)),
    ]
  }
}

extension CheckFailure.BrokenLaw {
  fileprivate var json: JSONValue {
    [
      "law": .string(law), "kind": .string(kind), "place": .string(place),
      "summary": .string(summary), "known": known.map { .string($0) } ?? .null,
    ]
  }
}

extension CheckFailure {
  /// The labels of the checkpoint's values; null for one that an axis does not list.
  private var axes: JSONValue {
    let values = AxisValues(spec)
    return .object(
      JSONObject(
        ConfigAxis.allCases.map { axis in
          (axis.name, values[axis].map { .string(axis.values[$0]) } ?? .null)
        }))
  }
}

extension CheckReplay {
  /// The members of the JSON document beside `schemaVersion`, `command` and `ok`.
  public var json: [(String, JSONValue)] {
    [
      ("adapter", .string(adapter)), ("layout", .string(spec.config.layout.name)),
      ("native", .string(spec.config.layout.native)), ("token", .string(token)),
      (
        "laws",
        .array(
          verdicts.map { law, holds in
            ["name": .string(law.name), "holds": holds.map { .bool($0) } ?? .null]
          })
      ),
      ("known", .strings(known)), ("failure", failure?.json ?? .null),
    ]
  }
}

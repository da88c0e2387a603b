// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CheckpointGenerators
public import StrictJSON

extension CheckReport {
  /// The members of the report's JSON document beside `schemaVersion`, `command` and `ok`.
  public var json: [(String, JSONValue)] {
    [
      ("adapter", .string(adapter)), ("seed", JSONValue(seed)), ("reproduce", .string(command)),
      ("end", .string(end.rawValue)), ("verdict", .string(verdict)),
      (
        "examples",
        [
          "requested": JSONValue(requested), "judged": JSONValue(judged),
          "passed": JSONValue(passed), "failed": JSONValue(failed),
          "repeated": JSONValue(repeated),
        ]
      ),
      ("laws", .array(laws.map(json))), ("coverage", coverage.json),
      ("failures", .array(failures.map(\.json))),
    ]
  }

  private func json(_ tally: LawTally) -> JSONValue {
    [
      "name": .string(tally.law.name), "statement": .string(tally.law.statement),
      "reason": .string(tally.law.reason), "brokenBy": .string(tally.law.brokenBy),
      "ok": .bool(!isBroken(tally)), "judged": JSONValue(tally.judged),
      "held": JSONValue(tally.held), "broken": JSONValue(tally.broken),
      "notApplicable": JSONValue(tally.notApplicable),
    ]
  }
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
  public var json: JSONValue {
    let discovery: JSONValue =
      discovery.map { discovery in
        [
          "example": JSONValue(discovery.example),
          "simplifications": JSONValue(discovery.simplifications),
          "executions": JSONValue(discovery.executions),
          "stoppedEarly": .bool(discovery.stoppedEarly),
        ]
      } ?? .null
    return [
      "law": .string(law.name), "statement": .string(law.statement),
      "reason": .string(law.reason), "kind": .string(kind), "place": .string(place),
      "summary": .string(summary), "diagnosis": .array(diagnosis.map { .string($0) }),
      "config": config, "checkpoint": .string(checkpoint),
      "facts": .object(JSONObject(spec.facts.map { ($0.name, .string($0.value)) })),
      "mismatch": .array(mismatch.map { .string($0) }),
      "heatMap": .array((heatMap?.text ?? []).map { .string($0) }),
      "brokenLaws": .array(
        brokenLaws.map { ["law": .string($0.law), "summary": .string($0.summary)] }),
      "discovery": discovery, "flakiness": flakiness.map { .string($0) } ?? .null,
      "token": .string(token), "replay": .string(replayCommand),
    ]
  }
}

extension CheckReplay {
  /// The members of the JSON document beside `schemaVersion`, `command` and `ok`.
  public var json: [(String, JSONValue)] {
    [
      ("adapter", .string(adapter)), ("token", .string(token)),
      (
        "laws",
        .array(
          verdicts.map { law, holds in
            ["name": .string(law.name), "holds": holds.map { .bool($0) } ?? .null]
          })
      ),
      ("failure", failure?.json ?? .null),
    ]
  }
}

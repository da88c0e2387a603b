// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Campaigns
public import StrictJSON

extension FaultReport {
  /// The members of the report's JSON document beside `schemaVersion`, `command` and `ok`.
  public var json: [(String, JSONValue)] {
    [
      ("family", .string(family)), ("layout", layout.map { .string($0) } ?? .null),
      ("examples", JSONValue(examples)), ("seeds", JSONValue(seeds)),
      (
        "summary",
        [
          "faults": JSONValue(faults.count), "notApplicable": JSONValue(absent.count),
          "killed": JSONValue(killed),
          "selfConsistent": JSONValue(faults.count(where: \.fault.isSelfConsistent)),
          "equivalent": JSONValue(results.count - faults.count),
          "medianExamples": medianOfMedians.map { JSONValue($0) } ?? .null,
          "named": JSONValue(named.count { $0 }), "namedOf": JSONValue(named.count),
          "smallest": JSONValue(smallest.count { $0 }), "smallestOf": JSONValue(smallest.count),
        ]
      ),
      ("notApplicable", Self.json(absent: absent)),
      ("faults", .array(results.map(json))),
      (
        "laws",
        .array(
          laws.map { row in
            [
              "name": .string(row.law.name), "noticed": JSONValue(row.noticed),
              "first": JSONValue(row.first), "alone": strings(row.alone),
            ]
          })
      ),
    ]
  }

  /// The faults that have no place in a layout, and why.
  public static func json(absent: [(fault: PlantedFault, reason: String)]) -> JSONValue {
    .array(absent.map { ["id": .string($0.fault.id), "reason": .string($0.reason)] })
  }

  private func json(_ result: FaultResult) -> JSONValue {
    let fault = result.fault
    let members: [(String, JSONValue)] = [
      ("id", .string(fault.id)), ("area", .string(fault.area.rawValue)),
      ("mistake", .string(fault.statement)), ("selfConsistent", .bool(fault.isSelfConsistent)),
      ("equivalent", fault.equivalence.map { .string($0) } ?? .null),
      ("ok", .bool(result.holds)), ("problem", result.problem.map { .string($0) } ?? .null),
      ("examples", .array(result.detections.map { $0.map { JSONValue($0.example) } ?? .null })),
      ("median", result.median.map { JSONValue($0) } ?? .null),
      ("p90", result.ninetieth.map { JSONValue($0) } ?? .null),
      (
        "laws",
        .object(
          JSONObject(
            laws.filter { result.laws.contains($0.law.name) }.map { row in
              (row.law.name, JSONValue(result.count(of: row.law.name)))
            }))
      ),
      ("named", result.isNamed.map { .bool($0) } ?? .null),
      ("smallest", result.isSmallest.map { .bool($0) } ?? .null),
      ("expectedShape", fault.smallest.map { .string($0) } ?? .null),
      ("exhaustive", result.exhaustive.map { .string($0) } ?? .null),
      ("case", result.smallest.map(json) ?? .null),
    ]
    return .object(JSONObject(members))
  }

  private func json(_ smallest: FaultResult.Smallest) -> JSONValue {
    [
      "shape": .string(smallest.shape), "law": .string(smallest.law),
      "diagnosis": strings(smallest.diagnosis), "token": .string(smallest.token),
    ]
  }

  private func strings(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
}

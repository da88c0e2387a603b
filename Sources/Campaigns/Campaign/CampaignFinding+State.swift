// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import StrictJSON

// Findings in the files of campaigns, written and read.

extension CampaignFinding {
  var state: JSONValue {
    let places: [(String, JSONValue)] = [
      ("phase", .string(phase.rawValue)), ("case", caseNumber.map { JSONValue($0) } ?? .null),
      ("seconds", JSONValue(seconds)), ("occurrences", JSONValue(occurrences)),
      ("signature", .string(signature)), ("law", law.state), ("kind", .string(kind)),
      ("place", .string(place)),
    ]
    let texts: [(String, JSONValue)] = [
      ("summary", .string(summary)), ("diagnosis", .strings(diagnosis)),
      ("cause", .optional(cause)), ("config", config), ("checkpoint", .string(checkpoint)),
      ("facts", .array(facts.map { .strings([$0.name, $0.value]) })),
      ("axes", .array(axes.map { .strings([$0.axis, $0.label]) })),
      ("mismatch", .strings(mismatch)), ("heatMap", heatMap?.state ?? .null),
      ("brokenLaws", .array(brokenLaws.map(\.state))),
      ("shrinking", shrinking?.state ?? .null), ("flakiness", .optional(flakiness)),
      ("token", .optional(token)), ("replay", .string(replayCommand)),
    ]
    return .object(JSONObject(places + texts))
  }

  init(_ fields: CampaignFields) throws(CampaignFileError) {
    func pairs(_ field: String) throws(CampaignFileError) -> [[String]] {
      let pairs = fields.json[field]?.arrayValue?.map {
        $0.arrayValue?.compactMap(\.stringValue) ?? []
      }
      guard let pairs, pairs.allSatisfy({ $0.count == 2 }) else {
        throw fields.error(field, expected: "pairs of strings")
      }
      return pairs
    }
    self.init(
      phase: try fields.value("phase", of: CampaignPhase.self),
      caseNumber: fields.json["case"] == .null ? nil : try fields.count("case"),
      seconds: try fields.double("seconds"), occurrences: try fields.count("occurrences"),
      signature: try fields.string("signature"), law: try LawSummary(fields, "law"),
      kind: try fields.string("kind"), place: try fields.string("place"),
      summary: try fields.string("summary"), diagnosis: try fields.strings("diagnosis"),
      cause: try fields.optionalString("cause"), config: try fields.value("config"),
      checkpoint: try fields.string("checkpoint"),
      facts: try pairs("facts").map { Fact(name: $0[0], value: $0[1]) },
      axes: try pairs("axes").map { AxisLabel(axis: $0[0], label: $0[1]) },
      mismatch: try fields.strings("mismatch"),
      heatMap: try fields.object("heatMap").map { (fields) throws(CampaignFileError) in
        HeatMapFigure(text: try fields.strings("text"), svg: try fields.string("svg"))
      },
      brokenLaws: try fields.elements("brokenLaws") { (fields) throws(CampaignFileError) in
        CheckFailure.BrokenLaw(
          law: try fields.string("law"), kind: try fields.string("kind"),
          place: try fields.string("place"), summary: try fields.string("summary"),
          known: try fields.optionalString("known"))
      },
      shrinking: try fields.object("shrinking").map { (fields) throws(CampaignFileError) in
        Shrinking(
          simplifications: try fields.count("simplifications"),
          executions: try fields.count("executions"),
          stoppedEarly: try fields.bool("stoppedEarly"))
      },
      flakiness: try fields.optionalString("flakiness"),
      token: try fields.optionalString("token"), replayCommand: try fields.string("replay"))
  }
}

extension JSONValue {
  /// A string, or null for none.
  static func optional(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
}

extension LawSummary {
  /// A law by its name; what is none with its texts.
  var state: JSONValue {
    if AdapterLaws.all.contains(where: { LawSummary($0) == self }) { return .string(name) }
    return .strings([name, statement, reason, brokenBy])
  }

  init(_ fields: CampaignFields, _ field: String) throws(CampaignFileError) {
    if let name = fields.json[field]?.stringValue {
      guard let law = AdapterLaws.all.first(where: { $0.name == name }) else {
        throw fields.error(field, expected: "a law that this version knows")
      }
      self.init(law)
      return
    }
    let texts = try fields.strings(field)
    guard texts.count == 4 else { throw fields.error(field, expected: "a law") }
    self.init(name: texts[0], statement: texts[1], reason: texts[2], brokenBy: texts[3])
  }
}

extension HeatMapFigure {
  fileprivate var state: JSONValue { ["text": .strings(text), "svg": .string(svg)] }
}

extension CampaignFinding.Shrinking {
  fileprivate var state: JSONValue {
    [
      "simplifications": JSONValue(simplifications), "executions": JSONValue(executions),
      "stoppedEarly": .bool(stoppedEarly),
    ]
  }
}

extension CheckFailure.BrokenLaw {
  fileprivate var state: JSONValue {
    [
      "law": .string(law), "kind": .string(kind), "place": .string(place),
      "summary": .string(summary), "known": .optional(known),
    ]
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CheckpointGenerators
internal import Layouts
internal import StrictJSON

// Reports in the files of campaigns, written and read; coverage follows from what was reached.

extension CampaignReport {
  /// Everything but the figures that follow from the rest.
  var state: JSONValue {
    let budgeted: (String, JSONValue) =
      switch budget {
      case .seconds(let seconds): ("budgetSeconds", JSONValue(seconds))
      case .examples(let examples): ("budgetExamples", JSONValue(examples))
      }
    return .object(
      JSONObject([
        ("adapter", .string(adapter)), ("adapterVersion", .optional(version)),
        ("layout", layout.state),
        ("seed", .string("\(seed)")), ("configPath", .string(configPath)), ("config", config),
        ("configSummary", .string(configSummary)), ("arguments", .strings(arguments)),
        ("shards", .strings(shards.map(\.description))), budgeted,
        ("seconds", JSONValue(seconds)), ("sessions", JSONValue(sessions)),
        ("end", .string(end.rawValue)), ("phases", .array(phases.map(\.state))),
        ("passed", JSONValue(passed)), ("failed", JSONValue(failed)),
        ("laws", .array(laws.map(\.state))),
        ("leftOut", .object(JSONObject(leftOut.map { ($0.axis, .strings($0.values)) }))),
        ("reach", reach.state), ("findings", .array(findings.map(\.state))),
        ("known", .array(known.map(\.state))), ("corpus", corpus?.state ?? .null),
        ("damaged", .array(damaged.map(\.state))),
      ]))
  }

  init(_ fields: CampaignFields) throws(CampaignFileError) {
    guard let seed = UInt64(try fields.string("seed")) else {
      throw fields.error("seed", expected: "a number as a string")
    }
    let shards = try fields.strings("shards").compactMap { Shard($0) }
    guard !shards.isEmpty else { throw fields.error("shards", expected: "shards such as 1/8") }
    let budget: CampaignBudget =
      fields.json["budgetSeconds"] == nil
      ? .examples(try fields.count("budgetExamples")) : .seconds(try fields.count("budgetSeconds"))
    guard let leftOut = fields.json["leftOut"]?.objectValue else {
      throw fields.error("leftOut", expected: "an object")
    }
    self.init(
      adapter: try fields.string("adapter"),
      version: try fields.optionalString("adapterVersion"), layout: try fields.layout(),
      seed: seed,
      configPath: try fields.string("configPath"), config: try fields.value("config"),
      configSummary: try fields.string("configSummary"),
      arguments: try fields.strings("arguments"), shards: shards, budget: budget,
      seconds: try fields.double("seconds"), sessions: try fields.count("sessions"),
      end: try fields.value("end", of: CampaignEnd.self),
      phases: try fields.elements("phases") { (fields) throws(CampaignFileError) in
        try CampaignPhaseTally(fields)
      },
      passed: try fields.count("passed"), failed: try fields.count("failed"),
      laws: try fields.elements("laws") { (fields) throws(CampaignFileError) in
        try LawTally(fields)
      },
      leftOut: leftOut.members.map { axis, values in
        AxisSelection(axis, values.arrayValue?.compactMap(\.stringValue) ?? [])
      },
      coverage: SpaceCoverage(), pairs: [], reach: try AxisReach(fields),
      findings: try fields.elements("findings") { (fields) throws(CampaignFileError) in
        try CampaignFinding(fields)
      },
      known: try fields.elements("known") { (fields) throws(CampaignFileError) in
        CampaignKnown(
          id: try fields.string("id"), title: try fields.string("title"),
          decision: try fields.string("decision"), token: try fields.string("token"),
          checkpoints: try fields.count("checkpoints"))
      },
      corpus: try fields.object("corpus").map { (fields) throws(CampaignFileError) in
        CorpusFigures(
          folder: try fields.string("folder"), cases: try fields.count("cases"),
          added: try fields.count("added"), failures: try fields.count("failures"))
      },
      damaged: try fields.elements("damaged") { (fields) throws(CampaignFileError) in
        try DamagedFile(fields)
      })
  }
}

extension Layout {
  /// The names, and the table if it is none that the program has.
  fileprivate var state: JSONValue {
    let isKnown = (try? Layout.named(name, native: native)) == self
    return [
      "name": .string(name), "native": .string(native),
      "table": isKnown ? .null : .string(text),
    ]
  }
}

extension CampaignFields {
  fileprivate func layout() throws(CampaignFileError) -> Layout {
    guard let fields = object("layout") else { throw error("layout", expected: "an object") }
    let name = try fields.string("name")
    let native = try fields.string("native")
    do {
      guard let table = try fields.optionalString("table") else {
        return try Layout.named(name, native: native)
      }
      return try Layout(text: table, name: name, native: native)
    } catch let error as CampaignFileError {
      throw error
    } catch {
      throw self.error("layout", expected: "a layout that this version knows")
    }
  }
}

extension AxisReach {
  fileprivate var state: JSONValue {
    [
      "cases": JSONValue(cases), "values": .array(valueCountList.map { JSONValue($0) }),
      "pairs": .string(Hexadecimal.text(pairBytes)),
      "triples": .string(Hexadecimal.text(tripleBytes)),
    ]
  }

  fileprivate init(_ report: CampaignFields) throws(CampaignFileError) {
    guard let fields = report.object("reach") else {
      throw report.error("reach", expected: "an object")
    }
    let reach = AxisReach(
      cases: try fields.count("cases"), valueCountList: try fields.counts("values"),
      pairBytes: try fields.bytes("pairs"), tripleBytes: try fields.bytes("triples"))
    guard let reach else {
      throw report.error("reach", expected: "combinations of the axes of this version")
    }
    self = reach
  }
}

extension CampaignPhaseTally {
  var state: JSONValue {
    [
      "phase": .string(phase.rawValue), "judged": JSONValue(judged), "failed": JSONValue(failed),
      "note": .string(note),
    ]
  }

  init(_ fields: CampaignFields) throws(CampaignFileError) {
    self.init(try fields.value("phase", of: CampaignPhase.self))
    judged = try fields.count("judged")
    failed = try fields.count("failed")
    note = try fields.string("note")
  }
}

extension LawTally {
  fileprivate var state: JSONValue {
    [
      "law": law.state, "held": JSONValue(held), "notApplicable": JSONValue(notApplicable),
      "broken": JSONValue(broken), "known": JSONValue(known),
    ]
  }

  fileprivate init(_ fields: CampaignFields) throws(CampaignFileError) {
    self.init(try LawSummary(fields, "law"))
    held = try fields.count("held")
    notApplicable = try fields.count("notApplicable")
    broken = try fields.count("broken")
    known = try fields.count("known")
  }
}

extension CampaignKnown {
  fileprivate var state: JSONValue {
    [
      "id": .string(id), "title": .string(title), "decision": .string(decision),
      "token": .string(token), "checkpoints": JSONValue(checkpoints),
    ]
  }
}

extension CorpusFigures {
  fileprivate var state: JSONValue {
    [
      "folder": .string(folder), "cases": JSONValue(cases), "added": JSONValue(added),
      "failures": JSONValue(failures),
    ]
  }
}

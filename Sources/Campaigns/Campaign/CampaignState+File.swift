// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import StrictJSON

extension CampaignState {
  private static let schemaVersion = 1

  /// Where it stands beside the report.
  private var progress: JSONValue {
    let positions = waiting.keys.sorted()
    return [
      "counted": JSONValue(counted), "milliseconds": JSONValue(milliseconds),
      "waiting": .array(positions.compactMap { waiting[$0]?.json }),
      "sightings": .array(sightings.map(\.json)), "corpus": .strings(corpus),
    ]
  }

  /// Reads the file of a campaign and the journal behind it.
  ///
  /// - Parameter path: What errors call the file.
  /// - Returns: The state, and the cases of the journal with pairs of values that no case had before.
  static func read(
    _ document: [UInt8], journal: [ArraySlice<UInt8>], path: String
  ) throws(CampaignFileError) -> (state: CampaignState, fresh: [CampaignRecord]) {
    let fields = CampaignFields(path: path, json: (try? JSONValue(parsing: document)) ?? .null)
    guard fields.json["schemaVersion"]?.integerValue == schemaVersion else {
      throw fields.error("schemaVersion", expected: "\(schemaVersion)")
    }
    guard let report = fields.object("report"), let progress = fields.object("progress") else {
      throw fields.error("report", expected: "an object, and another named 'progress'")
    }
    var state = CampaignState(
      try CampaignReport(report), corpus: try progress.strings("corpus"))
    state.counted = try progress.count("counted")
    state.milliseconds = try progress.count("milliseconds")
    state.sightings = try progress.elements("sightings") { (fields) throws(CampaignFileError) in
      guard let sighting = Sighting(fields.json) else {
        throw fields.error("first", expected: "the first case of a failure")
      }
      return sighting
    }
    for record in try progress.value("waiting").arrayValue ?? [] {
      if let record = CampaignRecord(record) { _ = state.add(record) }
    }
    let fresh = journal.flatMap { state.take($0, path) }
    return (state, fresh)
  }

  /// Takes a line of the journal; one that cannot be read is of work that is done again.
  private mutating func take(_ line: ArraySlice<UInt8>, _ path: String) -> [CampaignRecord] {
    guard let json = try? JSONValue(parsing: Array(line)) else { return [] }
    if let record = json["record"].flatMap(CampaignRecord.init) {
      return add(record).filter(\.isWorthKeeping).map(\.record)
    }
    let fields = CampaignFields(path: path, json: json)
    if let finding = fields.object("finding").flatMap({ try? CampaignFinding($0) }) {
      add(finding)
    } else if let tally = fields.object("tally").flatMap({ try? CampaignPhaseTally($0) }) {
      set(tally)
    }
    return []
  }

  /// The whole state as the content of a file.
  var document: [UInt8] {
    let document: JSONValue = [
      "schemaVersion": JSONValue(Self.schemaVersion), "report": report.state,
      "progress": progress,
    ]
    return document.bytes(.compact)
  }
}

extension CampaignState.Sighting {
  fileprivate var json: JSONValue {
    let record = CampaignRecord(
      origin: origin, phase: phase, milliseconds: milliseconds, annotation: [],
      failure: failure)
    return ["first": record.json, "occurrences": JSONValue(occurrences)]
  }

  fileprivate init?(_ json: JSONValue) {
    guard let record = json["first"].flatMap(CampaignRecord.init),
      let failure = record.failure, let occurrences = json["occurrences"]?.integerValue
    else { return nil }
    self.init(
      failure: failure, origin: record.origin, phase: record.phase,
      milliseconds: record.milliseconds, occurrences: occurrences)
  }
}

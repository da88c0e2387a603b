// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import StrictJSON

extension CampaignState {
  private static let schemaVersion = 2

  /// Where it stands beside the report.
  private var progress: JSONValue {
    let positions = waiting.keys.sorted()
    return [
      "counted": JSONValue(counted), "milliseconds": JSONValue(milliseconds),
      "waiting": .array(positions.compactMap { waiting[$0]?.json }),
      "sightings": .array(sightings.map(\.json)), "corpus": .strings(corpus), "kept": kept.json,
    ]
  }

  /// Reads the file of a campaign and the journal behind it.
  ///
  /// - Parameter path: What errors call the file.
  /// - Returns: The state, and the numbers of lines of the journal that cannot be read, from 1.
  static func read(
    _ document: [UInt8], journal: [ArraySlice<UInt8>], path: String
  ) throws(CampaignFileError) -> (state: CampaignState, unreadable: [Int]) {
    let fields = CampaignFields(path: path, json: try CampaignFields.parsed(document, path))
    guard fields.json["schemaVersion"]?.integerValue == schemaVersion else {
      throw fields.error("schemaVersion", expected: "\(schemaVersion)")
    }
    guard let report = fields.object("report"), let progress = fields.object("progress") else {
      throw fields.error("report", expected: "an object, and another named 'progress'")
    }
    var state = CampaignState(
      try CampaignReport(report), corpus: try progress.strings("corpus"))
    state.counted = try progress.count("counted")
    guard state.counted <= mostCounted / state.shard.count else {
      throw progress.error("counted", expected: "at most \(mostCounted) in all shards")
    }
    state.kept = try KeptCases(progress, "kept")
    state.milliseconds = try progress.count("milliseconds")
    state.sightings = try progress.elements("sightings") { (fields) throws(CampaignFileError) in
      guard let sighting = Sighting(fields.json) else {
        throw fields.error("first", expected: "the first case of a failure")
      }
      return sighting
    }
    let waiting = try progress.elements("waiting") { (fields) throws(CampaignFileError) in
      guard let record = CampaignRecord(fields.json) else {
        throw fields.error("case", expected: "a case that has come to its end")
      }
      return record
    }
    for record in waiting { state.add(record) }
    var unreadable: [Int] = []
    for (place, line) in journal.enumerated() where !state.take(line, path) {
      unreadable.append(place + 1)
    }
    return (state, unreadable)
  }

  /// No campaign gets so far.
  private static let mostCounted = 1 << 53

  /// Takes a line of the journal.
  ///
  /// - Returns: Whether it can be read; if not, it is of work that is done again.
  private mutating func take(_ line: ArraySlice<UInt8>, _ path: String) -> Bool {
    guard let json = try? JSONValue(parsing: Array(line)) else { return false }
    if let record = json["record"].flatMap(CampaignRecord.init) {
      add(record)
      return true
    }
    let fields = CampaignFields(path: path, json: json)
    if let finding = fields.object("finding").flatMap({ try? CampaignFinding($0) }) {
      add(finding)
      return true
    }
    if let tally = fields.object("tally").flatMap({ try? CampaignPhaseTally($0) }) {
      set(tally)
      return true
    }
    return false
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
      let failure = record.failure, let occurrences = json["occurrences"]?.integerValue,
      (1...1 << 53).contains(occurrences)
    else { return nil }
    self.init(
      failure: failure, origin: record.origin, phase: record.phase,
      milliseconds: record.milliseconds, occurrences: occurrences)
  }
}

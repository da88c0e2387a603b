// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import PropertyEngine
internal import StrictJSON

/// How far a campaign has come: what its records say, in the order of the cases, so that it does not
/// depend on the order in which cases came to their end, nor on how often the campaign was resumed.
struct CampaignState: Sendable {
  /// The first case of a signature.
  struct FirstOccurrence: Sendable, Equatable {
    var first = CampaignRecord()
    var occurrences = 1

    /// How it failed.
    var failure: Failure.BrokenLaw { first.failure ?? Failure.BrokenLaw() }

    /// The number of the case, if it has one.
    var number: Int? {
      if case .number(let number) = first.origin { number } else { nil }
    }
  }

  /// A case that is worth checking again.
  struct KeptCase: Sendable, Equatable {
    var origin = CampaignRecord.Origin.number(0)
    /// Whether it stays, since it was the first with a pair of values, a law or a known divergence;
    /// of the others, which have new triples, the latest stay.
    var isFirst = true
  }

  /// The report so far; of a signature that is not shrunk yet it has no failure.
  var report = RunReport()
  /// How many cases are counted: all before this position.
  var counted = 0
  /// Cases after that which have come to their end before others.
  var waiting: [Int: CampaignRecord] = [:]
  /// The signatures, in the order in which they were seen.
  var sightings: [FirstOccurrence] = []
  /// The cases of the corpus, as it was when the campaign began.
  var corpus: [String] = []
  /// The cases that the corpus is to have of this campaign.
  var kept: [KeptCase] = []
  /// Milliseconds of work.
  var milliseconds = 0

  var shard: Shard { report.shards.first ?? .whole }

  /// The position of a case: those of the corpus come first, then the shard's numbers. Nil of a case
  /// that is none of this campaign's.
  private func position(_ origin: CampaignRecord.Origin) -> Int? {
    switch origin {
    case .corpus(let token): corpus.firstIndex(of: token)
    case .number(let number): shard.owns(number) ? corpus.count + number / shard.count : nil
    }
  }

  /// How many cases this shard has, nil if time is what ends the campaign.
  func positionCount(_ budget: RunBudget) -> Int? {
    switch budget {
    case .seconds: nil
    case .examples(let examples):
      corpus.count + (max(0, examples - shard.index) + shard.count - 1) / shard.count
    }
  }

  /// The case at a position.
  func origin(at position: Int) -> CampaignRecord.Origin {
    position < corpus.count
      ? .corpus(corpus[position])
      : .number((position - corpus.count) * shard.count + shard.index)
  }

  /// Counts a record; one that is counted already changes nothing.
  mutating func add(_ record: CampaignRecord) {
    milliseconds = max(milliseconds, record.milliseconds)
    guard let position = position(record.origin), position >= counted else { return }
    waiting[position] = record
    while let next = waiting.removeValue(forKey: counted) {
      count(next)
      counted += 1
    }
  }

  /// The cases of the corpus that are not counted yet.
  var corpusLeft: ArraySlice<String> { corpus.dropFirst(counted) }

  /// Counts what waits for cases that will not come to their end any more.
  mutating func close() {
    for position in waiting.keys.sorted() {
      if let record = waiting.removeValue(forKey: position) { count(record) }
    }
  }

  /// The work up to a moment of this session.
  mutating func pass(milliseconds: Int) {
    self.milliseconds = max(self.milliseconds, milliseconds)
  }

  /// The report with the time and the occurrences by now.
  var finishedReport: RunReport {
    var report = report
    report.seconds = Double(milliseconds) / 1000
    for index in report.failures.indices {
      let signature = report.failures[index].signature
      let sighting = sightings.first { $0.first.signature == signature }
      if let sighting { report.failures[index].discovery?.occurrences = sighting.occurrences }
    }
    return report
  }

  /// Whether a case is on record.
  func has(_ position: Int) -> Bool { position < counted || waiting[position] != nil }

  /// The signatures of which there is no failure in the report yet.
  var unexplained: [FirstOccurrence] {
    sightings.filter { sighting in
      !report.failures.contains { $0.signature == sighting.first.signature }
    }
  }

  /// Adds what became of a signature, or of what is no case.
  mutating func add(_ failure: Failure) {
    guard !report.failures.contains(where: { $0.signature == failure.signature }) else { return }
    report.failures.append(failure)
  }

  private mutating func count(_ record: CampaignRecord) {
    guard let marks = CaseMarks(record.marks, lawCount: report.laws.count) else { return }
    let new = report.count(marks, passes: record.failure == nil)
    report.change(record.phase) { $0.judged += 1 }
    guard record.failure != nil else {
      // What has numbers of the config has no token.
      if record.phase != .exactCounts, record.phase != .exactWidths,
        new.isFirst || new.hasNewTriple
      {
        keep(KeptCase(origin: record.origin, isFirst: new.isFirst))
      }
      return
    }
    report.change(record.phase) { $0.failed += 1 }
    if let known = sightings.firstIndex(where: { $0.first.signature == record.signature }) {
      sightings[known].occurrences += 1
    } else {
      sightings.append(FirstOccurrence(first: record))
    }
  }

  /// Keeps a case; where there is no room, the earliest goes that may, since the triples that are found
  /// late are the rare ones.
  mutating func keep(_ new: KeptCase, limit: Int = Corpus.mostAdded) {
    if kept.count >= limit {
      guard let place = kept.firstIndex(where: { !$0.isFirst }) else { return }
      kept.remove(at: place)
    }
    kept.append(new)
  }
}

extension CampaignState: JSONRecord {
  private static let schemaVersion = 4
  /// No campaign gets so far.
  private static let mostCounted = 1 << 53

  mutating func members(_ table: inout JSONTable) throws(JSONFieldError) {
    var version = Self.schemaVersion
    try table.member("schemaVersion", &version)
    if let source = table.source, version != Self.schemaVersion {
      throw source["schemaVersion"].error(expected: "\(Self.schemaVersion)")
    }
    try table.member("report", &report)
    try table.member("counted", &counted)
    try table.member("milliseconds", &milliseconds)
    var records = waiting.keys.sorted().compactMap { waiting[$0] }
    try table.member("waiting", &records)
    try table.member("sightings", &sightings)
    try table.member("corpus", &corpus)
    try table.member("kept", &kept)
    guard let source = table.source else { return }
    guard counted <= Self.mostCounted / shard.count else {
      throw source["counted"].error(expected: "at most \(Self.mostCounted) in all shards")
    }
    guard kept.count <= Corpus.mostAdded else {
      throw source["kept"].error(expected: "no more than \(Corpus.mostAdded) cases")
    }
    for record in records { add(record) }
  }

  /// Reads the file of a campaign and the journal after it.
  ///
  /// - Parameter path: What errors call the file.
  /// - Returns: The state, and the numbers of lines of the journal that cannot be read, from 1.
  static func read(
    _ document: [UInt8], journal: [ArraySlice<UInt8>], path: String
  ) throws(DocumentError) -> (state: CampaignState, unreadable: [Int]) {
    var state: CampaignState
    do {
      state = try CampaignState(JSONField(try JSONValue(parsing: document)))
    } catch let error as JSONFieldError {
      throw DocumentError(
        path, field: error.place, expected: error.expected, found: error.found)
    } catch let error as JSONError {
      throw DocumentError(
        path, field: "line \(error.line), column \(error.column) (byte \(error.byteOffset))",
        expected: error.expected, found: error.found)
    } catch {
      throw DocumentError(path, expected: "the state of a campaign", found: "\(error)")
    }
    let unreadable = journal.indices.filter { !state.take(journal[$0]) }
    return (state, unreadable.map { $0 + 1 })
  }

  /// Takes a line of the journal.
  ///
  /// - Returns: Whether it can be read; if not, it is of work that is done again.
  private mutating func take(_ line: ArraySlice<UInt8>) -> Bool {
    guard let json = try? JSONValue(parsing: Array(line)) else { return false }
    let field = JSONField(json)
    if let record = try? CampaignRecord(field["record"]) {
      add(record)
    } else if let failure = try? Failure(field["finding"]) {
      add(failure)
    } else if let tally = try? CampaignPhaseTally(field["tally"]) {
      report.change(tally.phase) { $0 = tally }
    } else {
      return false
    }
    return true
  }
}

extension CampaignState.FirstOccurrence: JSONRecord {
  mutating func members(_ table: inout JSONTable) throws(JSONFieldError) {
    try table.member("first", &first)
    try table.member("occurrences", &occurrences)
  }
}

extension CampaignState.KeptCase: JSONRecord {
  mutating func members(_ table: inout JSONTable) throws(JSONFieldError) {
    try origin.members(&table)
    try table.member("isFirst", &isFirst)
  }
}

extension CampaignState.FirstOccurrence {
  /// What fails.
  var key: FailureKey {
    FailureKey(law: failure.law, kind: failure.kind, place: failure.place)
  }
}

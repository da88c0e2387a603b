// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CheckpointGenerators

/// How far a campaign has come: what its records say, in the order of the cases, so that it does not
/// depend on the order in which cases came to their end, nor on how often the campaign was resumed.
struct CampaignState: Sendable {
  /// The first case of a signature.
  struct Sighting: Sendable, Equatable {
    var failure: CampaignRecord.Failure
    var origin: CampaignRecord.Origin
    var phase: CampaignPhase
    var milliseconds: Int
    var occurrences = 1

    /// The number of the case, if it has one.
    var number: Int? {
      if case .number(let number) = origin { number } else { nil }
    }
  }

  /// The report so far; of a signature that is not made small yet it has no finding.
  var report: CampaignReport
  /// How many cases are counted: all before this position.
  var counted = 0
  /// Cases behind that which have come to their end before others.
  var waiting: [Int: CampaignRecord] = [:]
  /// The signatures, in the order in which they were seen.
  var sightings: [Sighting] = []
  /// The cases of the corpus, as it was when the campaign began.
  var corpus: [String]
  /// The cases that the corpus is to have of this campaign.
  var kept = KeptCases()
  /// Milliseconds of work.
  var milliseconds = 0
  let shard: Shard

  init(_ report: CampaignReport, corpus: [String]) {
    self.report = report
    shard = report.shards.first ?? .whole
    self.corpus = corpus
  }

  /// The position of a case: those of the corpus come first, then the shard's numbers. Nil of a case
  /// that is none of this campaign's.
  private func position(_ origin: CampaignRecord.Origin) -> Int? {
    switch origin {
    case .corpus(let token): corpus.firstIndex(of: token)
    case .number(let number): shard.owns(number) ? corpus.count + number / shard.count : nil
    }
  }

  /// How many cases this shard has, nil if time is what ends the campaign.
  func positionCount(_ budget: CampaignBudget) -> Int? {
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
  var finishedReport: CampaignReport {
    var report = report
    report.seconds = Double(milliseconds) / 1000
    for index in report.findings.indices {
      let signature = report.findings[index].signature
      let sighting = sightings.first { $0.failure.signature == signature }
      if let sighting { report.findings[index].occurrences = sighting.occurrences }
    }
    return report
  }

  /// Whether a case is on record.
  func has(_ position: Int) -> Bool { position < counted || waiting[position] != nil }

  /// The signatures of which there is no finding yet.
  var unexplained: [Sighting] {
    sightings.filter { sighting in
      !report.findings.contains { $0.signature == sighting.failure.signature }
    }
  }

  /// Adds what became of a signature, or of what is no case.
  mutating func add(_ finding: CampaignFinding) {
    guard !report.findings.contains(where: { $0.signature == finding.signature }) else { return }
    report.findings.append(finding)
  }

  /// Says what a phase that is no series of cases has done.
  mutating func set(_ tally: CampaignPhaseTally) {
    report.set(tally)
  }

  private mutating func count(_ record: CampaignRecord) {
    let lawCount = report.laws.count
    let axisCount = ConfigAxis.allCases.count
    let bytes = record.annotation
    guard bytes.count >= lawCount + axisCount else { return }
    for (index, byte) in bytes.prefix(lawCount).enumerated() {
      report.laws[index].add(Judgement.Mark(rawValue: byte))
    }
    let new = report.reach.add(Array(bytes[lawCount..<lawCount + axisCount]))
    let known = bytes[(lawCount + axisCount)...]
    for entry in report.known.indices where entry / 8 < known.count {
      let byte = known[known.startIndex + entry / 8]
      if byte >> (entry % 8) & 1 == 1 { report.known[entry].checkpoints += 1 }
    }
    report.change(record.phase) { $0.judged += 1 }
    guard let failure = record.failure else {
      report.passed += 1
      let judged = JudgedCase(
        marks: bytes.prefix(lawCount), known: known, laws: report.laws.map(\.law.name),
        divergences: report.known.map(\.id))
      // What has numbers of the config has no token.
      if record.phase != .exactCounts, record.phase != .exactWidths {
        kept.add(record.origin, judged, new: new)
      }
      return
    }
    report.failed += 1
    report.change(record.phase) { $0.failed += 1 }
    if let known = sightings.firstIndex(where: {
      $0.failure.signature == failure.signature
    }) {
      sightings[known].occurrences += 1
    } else {
      sightings.append(
        Sighting(
          failure: failure, origin: record.origin, phase: record.phase,
          milliseconds: record.milliseconds))
    }
  }
}

extension CampaignReport {
  /// Changes what a phase has done.
  mutating func change(_ phase: CampaignPhase, _ body: (inout CampaignPhaseTally) -> Void) {
    guard let index = phases.firstIndex(where: { $0.phase == phase }) else { return }
    body(&phases[index])
  }

  /// Says what a phase has done.
  mutating func set(_ tally: CampaignPhaseTally) {
    change(tally.phase) { $0 = tally }
  }
}

extension LawTally {
  /// Counts a verdict.
  mutating func add(_ mark: Judgement.Mark?) {
    switch mark {
    case .holds: held += 1
    case .broken: broken += 1
    case .known: known += 1
    case .doesNotApply: notApplicable += 1
    case .unjudged, nil: break
    }
  }
}

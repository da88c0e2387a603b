// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Adapters
internal import CheckpointGenerators
import Layouts
internal import StrictJSON

/// Why the results of shards cannot be joined.
public enum CampaignMergeError: Error, Sendable, Equatable, CustomStringConvertible {
  /// There are none.
  case nothing(folders: [String])
  /// They are not of one campaign.
  case different(what: String, found: [String])
  /// A shard is there twice, with different results.
  case repeated(Shard)

  /// What is wrong and what helps.
  public var description: String {
    switch self {
    case .nothing(let folders):
      "\(folders.joined(separator: ", ")): expected the --corpus folders of shards, found no "
        + "campaign in them"
    case .different(let what, let found):
      "expected the shards of one campaign, found several with different \(what): "
        + "\(found.joined(separator: ", ")); name the folders of one campaign only"
    case .repeated(let shard):
      "expected each shard once, found different results of shard \(shard); name one of them only"
    }
  }
}

extension CampaignReport {
  /// The reports of campaigns in corpus folders, as far as the campaigns have come.
  ///
  /// - Throws: What is wrong with a file.
  public static func read(from folders: [String]) throws -> [CampaignReport] {
    try folders.flatMap { try Corpus(folder: $0).reports() }
  }

  /// The report of all shards together.
  ///
  /// - Throws: `CampaignMergeError` if they are not the shards of one campaign.
  public init(merging reports: [CampaignReport], from folders: [String]) throws(CampaignMergeError)
  {
    let sorted = Self.distinct(reports).sorted { ($0.shards[0].index) < ($1.shards[0].index) }
    guard var result = sorted.first else { throw .nothing(folders: folders) }
    try Self.compare(sorted, "config") { $0.config.text(.compact) }
    try Self.compare(sorted, "adapter") {
      [$0.adapter, $0.version].compactMap(\.self).joined(separator: " ")
    }
    try Self.compare(sorted, "seed") { "\($0.seed)" }
    try Self.compare(sorted, "budget") { $0.budget.words.joined(separator: " ") }
    try Self.compare(sorted, "number of shards") { "\($0.shards[0].count)" }
    try Self.compare(sorted, "laws") { $0.laws.map(\.law.name).joined(separator: " ") }
    try Self.compare(sorted, "known divergences") { $0.known.map(\.id).joined(separator: " ") }
    for report in sorted.dropFirst() {
      guard Set(result.shards).isDisjoint(with: report.shards) else {
        throw .repeated(report.shards[0])
      }
      result.add(report)
    }
    result.completeFromConfig()
    self = result
  }

  /// Reports that differ: the same folder may be named twice.
  private static func distinct(_ reports: [CampaignReport]) -> [CampaignReport] {
    var result: [CampaignReport] = []
    for report in reports where !result.contains(report) { result.append(report) }
    return result
  }

  private static func compare(
    _ reports: [CampaignReport], _ what: String, _ value: (CampaignReport) -> String
  ) throws(CampaignMergeError) {
    let values = Set(reports.map(value)).sorted()
    guard values.count < 2 else {
      throw .different(what: what, found: values.map { String($0.prefix(80)) })
    }
  }

  private mutating func add(_ other: CampaignReport) {
    shards += other.shards
    seconds = max(seconds, other.seconds)
    sessions += other.sessions
    let ends: [CampaignEnd] = [.unfinished, .cancelled, .outOfTime, .completed]
    end = ends.first { $0 == end || $0 == other.end } ?? end
    for tally in other.phases {
      change(tally.phase) { mine in
        mine.judged += tally.judged
        mine.failed += tally.failed
        if mine.note.isEmpty { mine.note = tally.note }
      }
    }
    passed += other.passed
    failed += other.failed
    for (index, tally) in other.laws.enumerated() {
      laws[index].held += tally.held
      laws[index].notApplicable += tally.notApplicable
      laws[index].broken += tally.broken
      laws[index].known += tally.known
    }
    for (index, entry) in other.known.enumerated() {
      known[index].checkpoints += entry.checkpoints
    }
    reach.formUnion(other.reach)
    for finding in other.findings { add(finding) }
    damaged += other.damaged
    corpus = nil
  }

  /// Of each signature the finding of the lowest case is kept, which one process would have made.
  private mutating func add(_ finding: CampaignFinding) {
    guard let index = findings.firstIndex(where: { $0.signature == finding.signature }) else {
      findings.append(finding)
      return
    }
    let occurrences = findings[index].occurrences + finding.occurrences
    let (mine, theirs) = (findings[index].caseNumber ?? -1, finding.caseNumber ?? -1)
    if theirs < mine { findings[index] = finding }
    findings[index].occurrences = occurrences
  }

  /// Works out coverage where only the config of the report is known.
  mutating func completeFromConfig() {
    guard let config = try? ModelConfig(json: config, layout: layout) else { return }
    var space = CheckpointSpace(layout: layout)
    for selection in leftOut {
      guard let axis = ConfigAxis.allCases.first(where: { $0.name == selection.axis }) else {
        continue
      }
      space.allowed[axis] = Set(
        axis.values.indices.filter { !selection.values.contains(axis.values[$0]) })
    }
    space.keepRelations(of: config)
    complete(space)
  }
}

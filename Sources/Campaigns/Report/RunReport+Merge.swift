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

extension RunReport {
  /// The reports of campaigns in corpus folders, as far as the campaigns have come.
  ///
  /// - Throws: What is wrong with a file.
  public static func read(from folders: [String]) throws -> [RunReport] {
    try folders.flatMap { try Corpus(folder: $0).reports() }
  }

  /// The report of all shards together.
  ///
  /// - Throws: `CampaignMergeError` if they are not the shards of one campaign.
  public init(merging reports: [RunReport], from folders: [String]) throws(CampaignMergeError) {
    // The same folder may be named twice.
    var distinct: [(report: RunReport, json: JSONValue)] = []
    for report in reports {
      let json = report.json(isWhole: true)
      if !distinct.contains(where: { $0.json == json }) { distinct.append((report, json)) }
    }
    let sorted = distinct.map(\.report).sorted { $0.shards[0].index < $1.shards[0].index }
    guard var result = sorted.first else { throw .nothing(folders: folders) }
    let parts: [(what: String, of: (RunReport) -> String)] = [
      ("config", { $0.config?.text.text(.compact) ?? "" }),
      ("adapter", \.adapterWithVersion), ("seed", { "\($0.seed)" }),
      ("budget", { $0.budget.words.joined(separator: " ") }),
      ("number of shards", { "\($0.shards[0].count)" }),
      ("laws", { $0.laws.map(\.law.name).joined(separator: " ") }),
      ("known divergences", { ($0.known?.tallies ?? []).map(\.id).joined(separator: " ") }),
    ]
    for (what, part) in parts {
      let values = Set(sorted.map(part)).sorted()
      guard values.count < 2 else {
        throw .different(what: what, found: values.map { String($0.prefix(80)) })
      }
    }
    for report in sorted.dropFirst() {
      guard Set(result.shards).isDisjoint(with: report.shards) else {
        throw .repeated(report.shards[0])
      }
      result.add(report)
    }
    result.completeFromConfig()
    self = result
  }

  private mutating func add(_ other: RunReport) {
    shards += other.shards
    seconds = max(seconds, other.seconds)
    sessions += other.sessions
    let ends: [End] = [.unfinished, .cancelled, .outOfTime, .completed]
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
    for (index, tally) in other.laws.enumerated() { laws[index].add(tally) }
    if let known = other.known { self.known?.add(known) }
    reach.formUnion(other.reach)
    for (kind, count) in other.faultCounts.enumerated() where faultCounts.indices.contains(kind) {
      faultCounts[kind] += count
    }
    for failure in other.failures { add(failure) }
    damaged += other.damaged
    corpus = nil
  }

  /// Of each signature the failure of the lowest case is kept, which one process would have made.
  private mutating func add(_ failure: Failure) {
    guard let index = failures.firstIndex(where: { $0.signature == failure.signature }) else {
      failures.append(failure)
      return
    }
    let (mine, other) = (failures[index].discovery, failure.discovery)
    if other?.number ?? -1 < mine?.number ?? -1 { failures[index] = failure }
    failures[index].discovery?.occurrences = (mine?.occurrences ?? 0) + (other?.occurrences ?? 0)
  }

  /// Works out coverage where only the config of the report is known.
  mutating func completeFromConfig() {
    guard let text = config?.text, let config = try? ModelConfig(json: text, layout: layout)
    else { return }
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

  /// Works out what follows from the rest.
  mutating func complete(_ space: CheckpointSpace) {
    cover(space)
    sortByDiscovery()
  }
}

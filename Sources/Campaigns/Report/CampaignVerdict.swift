// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

extension CampaignReport {
  /// The shards that others were merged without, the first thousand.
  public var missingShards: [Shard] {
    guard shards.count > 1, let count = shards.first?.count else { return [] }
    let present = Set(shards.map(\.index))
    return (0..<count).lazy.filter { !present.contains($0) }.prefix(1000)
      .map { Shard(index: $0, count: count) }
  }

  /// The outcome in one sentence.
  public var verdict: String {
    let cases = "\(counted(judged, "case"))"
    let place = "around \(configPath) in \(durationText(seconds)), seed \(seed)\(shardText)"
    let prefix =
      switch end {
      case .completed, .outOfTime: ""
      case .cancelled: "stopped: "
      case .unfinished: "not at its end: "
      }
    if holds {
      let seen = known.count { $0.checkpoints > 0 }
      let exception = seen == 0 ? "" : ", but for \(counted(seen, "known divergence"))"
      return "\(prefix)\(counted(laws.count, "law")) held on \(cases) \(place)\(exception) "
        + "(\(layout.subject(adapter)))"
    }
    return "\(prefix)\(counted(findingGroups.count, "cause")) found: "
      + "\(grouped(brokenLaws.count)) of \(counted(laws.count, "law")) broken "
      + "on \(grouped(failed)) of \(cases) \(place) (\(layout.subject(adapter)))"
  }

  /// The laws that were seen broken.
  var brokenLaws: [LawSummary] { laws.filter(isBroken).map(\.law) }

  private var shardText: String {
    guard let first = shards.first, first.count > 1 else { return "" }
    if shards.count == 1 { return ", shard \(first)" }
    let missing = missingShards
    guard !missing.isEmpty else { return ", \(grouped(shards.count)) shards" }
    let names = missing.prefix(5).map(\.description) + (missing.count > 5 ? ["…"] : [])
    return ", \(grouped(shards.count)) shards without \(names.joined(separator: ", "))"
  }

  var head: ReportHead {
    let broken = brokenLaws
    let held = laws.count { $0.judged > 0 && $0.known == 0 && !broken.contains($0.law) }
    let shards: [(String, String)] =
      self.shards.first.map { first in
        first.count == 1
          ? [] : [("shards", "\(grouped(self.shards.count)) of \(grouped(first.count))")]
      } ?? []
    return ReportHead(
      command: "hymt2 fuzz", adapter: adapter + layout.remark, holds: holds, headline: headline,
      verdict: verdict,
      tiles: [
        ("cases", grouped(judged)), ("causes found", grouped(findingGroups.count)),
        ("laws held", grouped(held)), ("pairs reached", coverage.pairs.text),
        ("triples reached", coverage.triples.text),
      ] + shards + [("time", durationText(seconds)), ("seed", "\(seed)")])
  }

  private var headline: String {
    if !holds {
      let count = findingGroups.count
      return count == 0 ? "Cases failed" : "\(counted(count, "cause")) found"
    }
    switch end {
    case .cancelled: return "Stopped before the end; every law held so far"
    case .unfinished: return "Not at its end; every law held so far"
    case .completed, .outOfTime: break
    }
    if !missingShards.isEmpty { return "Every law held, but shards are missing" }
    return known.contains { $0.checkpoints > 0 }
      ? "Every law held, but for what is known" : "Every law held"
  }
}

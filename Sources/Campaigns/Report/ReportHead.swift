// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What stands above every report: what was run, its outcome, and the figures that matter most.
struct ReportHead {
  /// The command without its options.
  let command: String
  let adapter: String
  let holds: Bool
  /// The outcome in a few words.
  let headline: String
  /// The outcome in one sentence.
  let verdict: String
  let tiles: [(name: String, value: String)]
}

extension CheckReport {
  var head: ReportHead {
    let broken = laws.count { isBroken($0) }
    let held = laws.count { $0.judged > 0 && $0.known == 0 && !isBroken($0) }
    let brokenAsKnown = laws.count { $0.known > 0 && !isBroken($0) }
    let known = brokenAsKnown > 0 ? [("laws broken as known", grouped(brokenAsKnown))] : []
    let tiles: [(String, String)] =
      [
        ("checkpoints", grouped(judged)), ("laws held", grouped(held)),
        ("laws broken", grouped(broken)),
      ] + known + [("pairs reached", coverage.pairs.text), ("seed", "\(seed)")]
    return ReportHead(
      command: "hymt2 check", adapter: adapter + layout.remark, holds: holds, headline: headline,
      verdict: verdict, tiles: tiles)
  }

  private var headline: String {
    if end == .cancelled { return "Stopped before the end" }
    let broken = laws.count { isBroken($0) }
    if holds, let known, !known.seen.isEmpty { return "Every law held, but for what is known" }
    return holds
      ? "Every law held" : "\(counted(broken, "law")) \(broken == 1 ? "is" : "are") broken"
  }
}

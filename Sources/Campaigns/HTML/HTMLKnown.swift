// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CheckpointGenerators

/// What is known of the adapter, and what was left out for it, as HTML.
struct HTMLKnown {
  private let report: CheckReport

  init(_ report: CheckReport) {
    self.report = report
  }

  var section: Markup { Markup([known, leftOut]) }

  private var known: Markup {
    guard let known = report.known, !known.tallies.isEmpty else { return "" }
    return """
      <section aria-labelledby="known">
      <h2 id="known">Known divergences</h2>
      <div class="scroll" tabindex="0" role="region" aria-labelledby="known">
      <table>
      <caption>What \(known.divergences.subject) is known to do, with the number of checkpoints \
      that showed it, of \(grouped(report.judged))</caption>
      <thead><tr><th scope="col">Divergence</th><th scope="col">Its case</th>\
      <th scope="col" class="number">Checkpoints</th></tr></thead>
      <tbody>
      \(known.tallies.map(row))</tbody>
      </table>
      </div>
      </section>

      """
  }

  private func row(_ tally: KnownTally) -> Markup {
    let word =
      switch tally.state {
      case .shows: "shows it"
      case .vanished: "no longer shows it"
      case .stale: "is of another version"
      case .unsupported: "is not supported"
      case .notJudged: "was not judged"
      }
    return """
      <tr><th scope="row"><code>\(tally.divergence.id)</code>\
      <span class="statement">\(tally.divergence.title)</span></th>\
      <td><span class="badge \(tally.state == .shows ? "idle" : "broken")">\(word)</span></td>\
      <td class="number">\(grouped(tally.checkpoints))</td></tr>

      """
  }

  private var leftOut: Markup {
    guard !report.leftOut.isEmpty else { return "" }
    let items = report.leftOut.map { selection -> Markup in
      "<li>\(selection.axis): \(selection.values.joined(separator: ", "))</li>"
    }
    return """
      <section aria-labelledby="left-out">
      <h2 id="left-out">Left out</h2>
      <p>The adapter says that it does not support checkpoints with these values.</p>
      <ul>\(items)</ul>
      </section>

      """
  }
}

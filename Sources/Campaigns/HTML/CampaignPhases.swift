// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What a campaign was around and what its phases did, as HTML.
struct CampaignPhases {
  private let report: CampaignReport

  init(_ report: CampaignReport) {
    self.report = report
  }

  var section: Markup {
    let most = max(1, report.phases.map(\.judged).max() ?? 1)
    return """
      <section aria-labelledby="phases">
      <h2 id="phases">Phases</h2>
      <p>Around <code>\(report.configPath)</code>: \(report.configSummary).</p>
      <div class="scroll" tabindex="0" role="region" aria-labelledby="phases">
      <table role="table">
      <caption>Each phase with the number of cases that were judged and that failed</caption>
      <thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">Phase</th>\
      <th scope="col" role="columnheader" class="graph">Share</th>\
      <th scope="col" role="columnheader" class="number">Cases</th>\
      <th scope="col" role="columnheader" class="number">Failed</th></tr></thead>
      <tbody role="rowgroup">
      \(report.phases.map { row($0, most: most) })</tbody>
      </table>
      </div>
      </section>

      """
  }

  private func row(_ tally: CampaignPhaseTally, most: Int) -> Markup {
    let note = tally.note.isEmpty ? "" : "<span class=\"note\">\(tally.note)</span>" as Markup
    return """
      <tr role="row"><th scope="row" role="rowheader">\(capitalized(tally.phase.rawValue))\
      <span class="statement">\(capitalized(tally.phase.summary))</span>\(note)</th>\
      <td role="cell" class="graph">\
      \(HTMLCoverage.bar(Int(Double(tally.judged) * 1000 / Double(most)), isFull: false))</td>\
      <td role="cell" class="number" data-label="cases">\(grouped(tally.judged))</td>\
      <td role="cell" class="number\(tally.failed > 0 ? Markup(" wrong") : "")" \
      data-label="failed">\(grouped(tally.failed))</td></tr>

      """
  }
}

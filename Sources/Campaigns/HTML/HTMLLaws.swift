// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// The laws of a report with what became of them, as HTML.
struct HTMLLaws {
  let laws: [LawTally]
  let broken: [LawSummary]
  /// Whether what is known of the adapter was given.
  let hasKnown: Bool

  var section: Markup {
    let rows = laws.map { tally -> Markup in
      let (kind, word) =
        broken.contains(tally.law)
        ? ("broken", "✘ broken")
        : tally.judged == 0
          ? ("idle", "– not judged")
          : tally.known > 0 ? ("idle", "broken as known") : ("held", "✔ held")
      return """
        <tr role="row"><th scope="row" role="rowheader"><code>\(tally.law.name)</code>\
        <span class="statement">\(tally.law.statement)</span></th>\
        <td role="cell"><span class="badge \(kind)">\(word)</span></td>\
        <td role="cell" class="number" data-label="held">\(grouped(tally.held))</td>\
        <td role="cell" class="number" data-label="does not apply">\
        \(grouped(tally.notApplicable))</td>\
        <td role="cell" class="number" data-label="broken">\(grouped(tally.broken))</td>\
        \(knownCell(tally))</tr>

        """
    }
    return """
      <section aria-labelledby="laws">
      <h2 id="laws">Laws</h2>
      <div class="scroll" tabindex="0" role="region" aria-labelledby="laws">
      <table role="table">
      <caption>Each law with the number of checkpoints on which it held, did not apply, \
      or was broken</caption>
      <thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">Law</th>\
      <th scope="col" role="columnheader">Verdict</th>\
      <th scope="col" role="columnheader" class="number">Held</th>\
      <th scope="col" role="columnheader" class="number">Does not apply</th>\
      <th scope="col" role="columnheader" class="number">Broken</th>\(knownHead)</tr></thead>
      <tbody role="rowgroup">
      \(rows)</tbody>
      </table>
      </div>
      </section>

      """
  }

  private var knownHead: Markup {
    hasKnown ? "<th scope=\"col\" role=\"columnheader\" class=\"number\">Known</th>" : ""
  }

  private func knownCell(_ tally: LawTally) -> Markup {
    guard hasKnown else { return "" }
    return """
      <td role="cell" class="number" data-label="known">\(grouped(tally.known))</td>
      """
  }
}

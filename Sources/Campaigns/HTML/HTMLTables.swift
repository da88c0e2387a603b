// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CheckpointGenerators

extension RunReport {
  /// What a campaign was around and what its phases did.
  var phaseSection: Markup {
    guard let config else { return "" }
    let most = max(1, phases.map(\.judged).max() ?? 1)
    let rows = phases.map { tally -> Markup in
      let note = tally.note.isEmpty ? "" : "<span class=\"note\">\(tally.note)</span>" as Markup
      return """
        <tr role="row"><th scope="row" role="rowheader">\(capitalized(tally.phase.rawValue))\
        <span class="statement">\(capitalized(tally.phase.summary))</span>\(note)</th>\
        <td role="cell" class="graph">\
        \(HTMLReport.bar(Int(Double(tally.judged) * 1000 / Double(most))))</td>\
        \(Self.cell("cases", tally.judged))\
        \(Self.cell("failed", tally.failed, isWrong: tally.failed > 0))</tr>

        """
    }
    return """
      <section aria-labelledby="phases">
      <h2 id="phases">Phases</h2>
      <p>Around <code>\(config.path)</code>: \(config.summary).</p>
      \(HTMLReport.table(
        "phases", "Each phase with the number of cases that were checked and that failed",
        [("Phase", ""), ("Share", "graph"), ("Cases", "number"), ("Failed", "number")], rows))\
      </section>

      """
  }

  /// The laws with what became of them.
  var lawSection: Markup {
    let rows = laws.map { tally -> Markup in
      let (kind, word) =
        isBroken(tally)
        ? ("broken", "✘ broken")
        : tally.judged == 0
          ? ("idle", "– not checked")
          : tally.known > 0 ? ("idle", "broken as known") : ("held", "✔ held")
      return """
        <tr role="row"><th scope="row" role="rowheader"><code>\(tally.law.name)</code>\
        <span class="statement">\(tally.law.statement)</span></th>\
        <td role="cell"><span class="badge \(kind)">\(word)</span></td>\
        \(Self.cell("held", tally.held))\(Self.cell("does not apply", tally.notApplicable))\
        \(Self.cell("broken", tally.broken))\
        \(known == nil ? "" : Self.cell("known", tally.known))</tr>

        """
    }
    let counts = ["Held", "Does not apply", "Broken"] + (known == nil ? [] : ["Known"])
    return """
      <section aria-labelledby="laws">
      <h2 id="laws">Laws</h2>
      \(HTMLReport.table(
        "laws",
        "Each law with the number of checkpoints on which it held, did not apply, or was broken",
        [("Law", ""), ("Verdict", "")] + counts.map { ($0, "number") }, rows))\
      \(invalidInputDetails)</section>

      """
  }

  /// The kinds of invalid input that were given, folded away.
  private var invalidInputDetails: Markup {
    guard let invalidInputText else { return "" }
    return """
      <details><summary>\(capitalized(invalidInputText))</summary><p>\(invalidInputKinds)</p></details>

      """
  }

  /// What is known of the adapter.
  var knownSection: Markup {
    guard let known, !known.tallies.isEmpty else { return "" }
    let rows = known.tallies.map { tally -> Markup in
      let isNews = tally.state != nil && tally.state != .shows
      return """
        <tr role="row"><th scope="row" role="rowheader"><code>\(tally.id)</code>\
        <span class="statement">\(tally.title)</span></th>\
        <td role="cell"><span class="badge \(isNews ? "broken" : "idle")">\(tally.word)</span></td>\
        \(Self.cell("\(noun)s", tally.checkpoints))</tr>

        """
    }
    let caption =
      "What \(known.subject) is known to do, with the number of \(noun)s that showed it, of "
      + grouped(judged)
    return """
      <section aria-labelledby="known">
      <h2 id="known">Known divergences</h2>
      \(HTMLReport.table(
        "known", caption,
        [
          ("Divergence", ""), (config == nil ? "Its case" : "Decision", ""),
          (capitalized("\(noun)s"), "number"),
        ], rows))\
      </section>

      """
  }

  /// What was left out of the space.
  var leftOutSection: Markup {
    guard !leftOut.isEmpty else { return "" }
    let items = leftOut.map { selection -> Markup in
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

  private static func cell(_ label: String, _ count: Int, isWrong: Bool = false) -> Markup {
    """
    <td role="cell" class="number\(isWrong ? " wrong" : "")" \
    data-label="\(label)">\(grouped(count))</td>
    """
  }
}

extension HTMLReport {
  /// A table with a head.
  static func table(
    _ section: String, _ caption: String, _ columns: [(title: String, kind: String)],
    _ rows: [Markup]
  ) -> Markup {
    let heads = columns.map { title, kind -> Markup in
      let attribute = kind.isEmpty ? "" : " class=\"\(kind)\"" as Markup
      return "<th scope=\"col\" role=\"columnheader\"\(attribute)>\(title)</th>"
    }
    return """
      <div class="scroll" tabindex="0" role="region" aria-labelledby="\(section)">
      <table role="table">
      <caption>\(caption)</caption>
      <thead role="rowgroup"><tr role="row">\(heads)</tr></thead>
      <tbody role="rowgroup">
      \(rows)</tbody>
      </table>
      </div>

      """
  }
}

extension SpaceCoverage {
  /// The coverage of the config axes as HTML.
  var section: Markup {
    """
    <section aria-labelledby="coverage">
    <h2 id="coverage">Coverage of the config axes</h2>
    <p>Of the combinations that some checkpoint of the space has, the part that was reached.</p>
    <ul class="shares">\(shares.map(Self.item))</ul>
    \(missing)<h3>Checkpoints by axis</h3>
    <div class="axes">
    \(axes.map(Self.table))</div>
    </section>

    """
  }

  private static func item(_ name: String, _ share: AxisCoverage.Count) -> Markup {
    """
    <li><span class="name">\(name)</span> \
    <span class="number">\(share.text)</span>\
    \(HTMLReport.bar(share.permille, isFull: share.permille == 1000))\
    <span class="of">\(grouped(share.reached)) of \(grouped(share.feasible))</span></li>
    """
  }

  private var missing: Markup {
    guard !missingPairs.isEmpty else { return "" }
    return """
      <details><summary>\(counted(pairs.feasible - pairs.reached, "pair")) not reached</summary>
      <ul>\(missingPairs.map { "<li>\($0)</li>" as Markup })</ul></details>

      """
  }

  private static func table(_ axis: Axis) -> Markup {
    let most = max(1, axis.values.map(\.count).max() ?? 1)
    let rows = axis.values.filter(\.isFeasible).map { value -> Markup in
      """
      <tr\(value.count == 0 ? Markup(" class=\"missed\"") : "")>\
      <th scope="row">\(value.label)</th><td class="number">\(grouped(value.count))</td>\
      <td class="graph">\(HTMLReport.bar(value.count * 1000 / most))</td></tr>

      """
    }
    return """
      <div><table><caption>\(axis.name)</caption>
      <thead class="hidden"><tr><th scope="col">value</th><th scope="col">checkpoints</th>\
      <th scope="col">share</th></tr></thead>
      <tbody>
      \(rows)</tbody></table></div>

      """
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

extension CheckReport {
  /// The report as one HTML file, which loads nothing from elsewhere and runs no script.
  ///
  /// - Parameter tool: The program and its version.
  public func html(tool: String) -> String {
    let title = "\(holds ? "Held" : "Broken") – hymt2 check"
    return HTMLPage(
      title: title,
      sections: [
        head.header, HTMLFailures(groups: failureGroups, lawCount: laws.count).section,
        HTMLKnown(rows: knownRows, subject: known?.divergences.subject, judged: judged).section,
        HTMLLeftOut(leftOut).section,
        HTMLLaws(laws: laws, broken: brokenLaws, hasKnown: known != nil).section,
        HTMLCoverage(coverage).section, reproduceSection,
      ], tool: tool
    ).text
  }

  private var knownRows: [HTMLKnown.Row] {
    (known?.tallies ?? []).map { tally in
      let word =
        switch tally.state {
        case .shows: "shows it"
        case .vanished: "no longer shows it"
        case .stale: "is of another version"
        case .unsupported: "is not supported"
        case .notJudged: "was not judged"
        }
      return HTMLKnown.Row(
        id: tally.divergence.id, title: tally.divergence.title, word: word,
        isNews: tally.state != .shows, checkpoints: tally.checkpoints)
    }
  }

  private var reproduceSection: Markup {
    """
    <section aria-labelledby="reproduce">
    <h2 id="reproduce">Reproduce</h2>
    <p>The same seed and version give the same report, byte for byte, on any machine and with \
    any number of threads.</p>
    <pre class="command" tabindex="0"><code>\(command)</code></pre>
    </section>

    """
  }
}

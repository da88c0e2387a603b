// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import StrictJSON

extension CampaignReport {
  /// The report as one HTML file, which loads nothing from elsewhere and runs no script.
  ///
  /// - Parameter tool: The program and its version.
  public func html(tool: String) -> String {
    HTMLPage(
      title: "\(holds ? "Held" : "Broken") – hymt2 fuzz",
      sections: [
        head.header,
        HTMLFailures(groups: findingGroups, lawCount: laws.count, noun: "finding").section,
        CampaignTimeline(self).section, CampaignPhases(self).section,
        HTMLKnown(
          rows: knownRows, subject: version.map { "\(adapter) \($0)" } ?? adapter, judged: judged,
          wordTitle: "Decision"
        ).section, HTMLLeftOut(leftOut).section,
        HTMLLaws(laws: laws, broken: brokenLaws, hasKnown: !known.isEmpty).section,
        HTMLCoverage(coverage, picture: CampaignPairs(pairs).figure).section, reproduceSection,
      ], tool: tool
    ).text
  }

  private var knownRows: [HTMLKnown.Row] {
    known.map { known in
      HTMLKnown.Row(
        id: known.id, title: known.title, word: known.decision, isNews: false,
        checkpoints: known.checkpoints)
    }
  }

  private var reproduceSection: Markup {
    let facts =
      [
        ("adapter", version.map { "\(adapter) \($0)" } ?? adapter), ("config", configPath),
        ("seed", "\(seed)"), ("shards", shards.map(\.description).joined(separator: ", ")),
        ("sessions", grouped(sessions)), ("end", end.rawValue),
      ] + corpusFacts + damaged.map { ("damaged file", $0.description) }
    let list = facts.map { name, value -> Markup in
      "<div><dt>\(name)</dt><dd>\(value)</dd></div>"
    }
    return """
      <section aria-labelledby="reproduce">
      <h2 id="reproduce">Reproduce</h2>
      <dl class="facts">\(list)</dl>
      <p>The cases follow from their numbers and the seed on any machine and with any number of \
      threads; how many of them there are follows from the budget.</p>
      <pre class="command" tabindex="0"><code>\(command)</code></pre>
      <details><summary>the campaign's config.json</summary>
      <pre tabindex="0"><code>\(config.text(.python))</code></pre></details>
      </section>

      """
  }

  private var corpusFacts: [(String, String)] {
    guard let corpus else { return [] }
    return [
      ("corpus", corpus.folder), ("cases in it", grouped(corpus.cases)),
      ("of them new", grouped(corpus.added)), ("failures in it", grouped(corpus.failures)),
    ]
  }
}

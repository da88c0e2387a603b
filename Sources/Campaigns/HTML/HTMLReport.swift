// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

extension CheckReport {
  /// The report as one HTML file, which loads nothing from elsewhere and runs no script.
  ///
  /// - Parameter tool: The program and its version.
  public func html(tool: String) -> String {
    let title = "\(holds ? "Held" : "Broken") – hymt2 check"
    let document: Markup = """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <meta http-equiv="Content-Security-Policy" \
      content="default-src 'none'; style-src 'unsafe-inline'">
      <title>\(title)</title>
      <style>\(HTMLStyle.sheet)</style>
      </head>
      <body>
      <main>
      \(banner)\(HTMLFailures(self).section)\(HTMLKnown(self).section)\(lawsSection)\(HTMLCoverage(coverage).section)\
      \(reproduceSection(tool))
      </main>
      </body>
      </html>

      """
    return document.text
  }

  private var banner: Markup {
    let broken = laws.count { isBroken($0) }
    let held = laws.count { $0.judged > 0 && $0.known == 0 && !isBroken($0) }
    let brokenAsKnown = laws.count { $0.known > 0 && !isBroken($0) }
    let known = brokenAsKnown > 0 ? [("laws broken as known", grouped(brokenAsKnown))] : []
    let tiles: [(String, String)] =
      [
        ("checkpoints", grouped(judged)), ("laws held", grouped(held)),
        ("laws broken", grouped(broken)),
      ] + known + [("pairs reached", coverage.pairs.text), ("seed", "\(seed)")]
    let list = tiles.map { name, value -> Markup in
      "<div><dt>\(name)</dt><dd>\(value)</dd></div>"
    }
    return """
      <header class="\(holds ? "held" : "broken")">
      <p class="tool">hymt2 check · adapter <strong>\(adapter)</strong></p>
      <h1><span class="mark" aria-hidden="true">\(holds ? "✔" : "✘")</span> \(headline)</h1>
      <p>\(verdict)</p>
      <dl class="tiles">\(list)</dl>
      </header>

      """
  }

  private var headline: String {
    if end == .cancelled { return "Stopped before the end" }
    let broken = laws.count { isBroken($0) }
    if holds, let known, !known.seen.isEmpty { return "Every law held, but for what is known" }
    return holds
      ? "Every law held" : "\(counted(broken, "law")) \(broken == 1 ? "is" : "are") broken"
  }

  private var lawsSection: Markup {
    let rows = laws.map { tally -> Markup in
      let (kind, word) =
        isBroken(tally)
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
    known == nil ? "" : "<th scope=\"col\" role=\"columnheader\" class=\"number\">Known</th>"
  }

  private func knownCell(_ tally: LawTally) -> Markup {
    guard known != nil else { return "" }
    return """
      <td role="cell" class="number" data-label="known">\(grouped(tally.known))</td>
      """
  }

  private func reproduceSection(_ tool: String) -> Markup {
    """
    <section aria-labelledby="reproduce">
    <h2 id="reproduce">Reproduce</h2>
    <p>The same seed and version give the same report, byte for byte, on any machine and with \
    any number of threads.</p>
    <pre class="command" tabindex="0"><code>\(command)</code></pre>
    </section>
    <footer><p>Made by \(tool).</p></footer>
    """
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import StrictJSON

extension RunReport {
  /// The report as one HTML file, which loads nothing from elsewhere and runs no script.
  ///
  /// - Parameter tool: The program and its version.
  public func html(tool: String) -> String {
    HTMLReport.page(
      title: "\(holds ? "Held" : "Broken") – \(commandName)",
      """
      \(header)\(failureSection)\(phaseSection)\(knownSection)\(leftOutSection)\(lawSection)\
      \(coverage.section)\(reproduceSection)
      """, tool: tool)
  }

  private var header: Markup {
    """
    <header class="\(holds ? "held" : "broken")">
    <p class="tool">\(commandName) · adapter <strong>\(adapter + layout.remark)</strong></p>
    <h1><span class="mark" aria-hidden="true">\(holds ? "✔" : "✘")</span> \(headline)</h1>
    <p>\(verdict)</p>
    <dl class="tiles">\(Markup(facts: tiles))</dl>
    </header>

    """
  }

  private var reproduceSection: Markup {
    """
    <section aria-labelledby="reproduce">
    <h2 id="reproduce">Reproduce</h2>
    \(config.map(facts) ?? "")<p>\(reproduction)</p>
    <pre class="command" tabindex="0"><code>\(command)</code></pre>
    \(config.map { HTMLReport.details("the campaign's config.json", $0.text) } ?? "")</section>

    """
  }

  private var reproduction: String {
    config == nil
      ? "The same seed and version give the same report, byte for byte, on any machine and with any "
        + "number of threads."
      : "The cases follow from their numbers and the seed on any machine and with any number of "
        + "threads; how many of them there are follows from the budget."
  }

  private func facts(_ config: CampaignConfig) -> Markup {
    let corpus = corpus.map { corpus in
      [
        ("corpus", corpus.folder), ("cases in it", grouped(corpus.cases)),
        ("of them new", grouped(corpus.added)), ("failures in it", grouped(corpus.failures)),
      ]
    }
    let facts =
      [
        ("adapter", adapterWithVersion), ("config", config.path), ("seed", "\(seed)"),
        ("shards", shards.map(\.description).joined(separator: ", ")),
        ("sessions", grouped(sessions)), ("end", end.rawValue),
      ] + (corpus ?? []) + damaged.map { ("damaged file", $0.description) }
    return "<dl class=\"facts\">\(Markup(facts: facts))</dl>\n"
  }
}

/// Parts of which HTML reports have several.
enum HTMLReport {
  /// The style sheet.
  static let style: Markup = {
    let sheet = EmbeddedFile.all.first { $0.name == "report.css" }
    return Markup(trusted: "\n" + String(decoding: sheet?.bytes ?? [], as: UTF8.self))
  }()

  /// A whole page, which loads nothing from elsewhere and runs no script.
  static func page(title: String, _ content: Markup, tool: String) -> String {
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
      <style>\(style)</style>
      </head>
      <body>
      <main>
      \(content)<footer><p>Made by \(tool).</p></footer>
      </main>
      </body>
      </html>

      """
    return document.text
  }

  /// JSON that is shown when it is asked for.
  static func details(_ title: String, _ json: JSONValue) -> Markup {
    """
    <details><summary>\(title)</summary>
    <pre tabindex="0"><code>\(json.text(.python))</code></pre></details>

    """
  }

  /// A bar so long, for the eye only.
  static func bar(_ permille: Int, isFull: Bool = false) -> Markup {
    """
    <span class="bar\(isFull ? " full" : "")" aria-hidden="true">\
    <span style="width:\(permille / 10).\(permille % 10)%"></span></span>
    """
  }
}

extension Markup {
  /// Names with their values.
  init(facts: [(name: String, value: String)]) {
    self.init(facts.map { "<div><dt>\($0.name)</dt><dd>\($0.value)</dd></div>" as Markup })
  }
}

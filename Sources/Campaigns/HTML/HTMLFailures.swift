// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import StrictJSON

extension RunReport {
  /// The failures by cause as HTML.
  var failureSection: Markup {
    let groups = failureGroups
    guard !groups.isEmpty else { return "" }
    return """
      <section aria-labelledby="failures">
      <h2 id="failures">Failure\(groups.count == 1 ? "" : "s")</h2>
      \(Self.overview(groups))\(groups.map(article))</section>

      """
  }

  /// The causes in a list, where they are more than one sees at once.
  private static func overview(_ groups: [[Failure]]) -> Markup {
    guard groups.count > 5 else { return "" }
    let items = groups.map { group -> Markup in
      """
      <li><code>\(group[0].law.name)</code> \(group[0].sentence)\
      \(group.count > 1 ? " (\(counted(group.count, "failure")))" : "")</li>

      """
    }
    return """
      <p>\(counted(groups.count, "cause")), each with its smallest checkpoint below:</p>
      <ol>\(items)</ol>

      """
  }

  private func article(_ group: [Failure]) -> Markup {
    let failure = group[0]
    let flakiness = failure.flakiness.map { text -> Markup in
      "<p class=\"warning\">Flaky: \(text)</p>\n"
    }
    return """
      <article class="failure">
      <h3><code>\(failure.law.name)</code> \(failure.law.statement)</h3>
      \(failure.sentences.map { "<p class=\"diagnosis\">\($0)</p>\n" as Markup })\(flakiness ?? "")\
      \(remarks(group).map { "<p>\(capitalized($0))</p>\n" as Markup })\
      \(failure.differences)
      <h4>\(capitalized(failure.title))</h4>
      \(failure.story.map { "<p>\(capitalized($0)).</p>\n" as Markup } ?? "")\
      <dl class="facts">\(Markup(facts: failure.facts.members.map { ($0, $1.stringValue ?? "") }))</dl>
      \(HTMLReport.details("config.json", failure.config))\
      \(failure.brokenLawList)
      <p class="reason"><strong>Why it must hold:</strong> \(failure.law.reason).</p>
      <h4>Replay</h4>
      <pre class="command" tabindex="0"><code>\(failure.replayCommand)</code></pre>
      \(Self.alike(group.dropFirst()))</article>

      """
  }

  private static func alike(_ failures: ArraySlice<Failure>) -> Markup {
    guard !failures.isEmpty else { return "" }
    let items = failures.map { failure -> Markup in
      """
      <li>\(failure.checkpoint)
      <pre class="command" tabindex="0"><code>\(failure.replayCommand)</code></pre></li>
      """
    }
    return """
      <details><summary>\(counted(failures.count, "more failure")) with this diagnosis</summary>
      <ul>\(items)</ul></details>

      """
  }
}

extension Failure {
  fileprivate var differences: Markup {
    guard !mismatch.isEmpty || heatMap != nil else { return "" }
    let lines = mismatch.joined(separator: "\n")
    let figure = heatMap.map { map -> Markup in
      """
      <figure>\(Markup(trusted: map.svg))\
      <figcaption>Elements of the tensor that differ</figcaption></figure>
      """
    }
    return """
      <h4>Where it differs</h4>
      \(lines.isEmpty ? "" : "<pre tabindex=\"0\">\(lines)</pre>" as Markup)\(figure ?? "")
      """
  }

  fileprivate var brokenLawList: Markup {
    let others = brokenLaws.filter { $0.law != law.name }
    guard !others.isEmpty else { return "<p>No other law is broken on it.</p>" }
    let items = others.map { other -> Markup in
      "<li><code>\(other.law)</code> \(other.summary)</li>"
    }
    return """
      <details><summary>Also broken on it: \(counted(others.count, "other law"))</summary>
      <ul>\(items)</ul></details>
      """
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import StrictJSON

/// The failures of a report as HTML.
struct HTMLFailures<Failure: ReportedFailure> {
  /// The failures of each cause.
  let groups: [[Failure]]
  let lawCount: Int
  /// What a failure is called.
  var noun = "failure"

  var section: Markup {
    guard !groups.isEmpty else { return "" }
    return """
      <section aria-labelledby="failures">
      <h2 id="failures">\(capitalized(noun))\(groups.count == 1 ? "" : "s")</h2>
      \(overview)\(groups.map(article))</section>

      """
  }

  /// The causes in a list, where they are more than one sees at once.
  private var overview: Markup {
    guard groups.count > 5 else { return "" }
    let items = groups.map { group -> Markup in
      """
      <li><code>\(group[0].law.name)</code> \(group[0].sentence)\
      \(group.count > 1 ? " (\(counted(group.count, noun)))" : "")</li>

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
      "<p class=\"warning\">Not the same every time: \(text)</p>\n"
    }
    return """
      <article class="failure">
      <h3><code>\(failure.law.name)</code> \(failure.law.statement)</h3>
      \(failure.sentences.map { "<p class=\"diagnosis\">\($0)</p>\n" as Markup })\(flakiness ?? "")\
      \(differences(failure))
      \(story(failure))\(facts(failure))
      <details><summary>config.json</summary>
      <pre tabindex="0"><code>\(failure.config.text(.python))</code></pre></details>
      \(brokenLaws(failure))
      <p class="reason"><strong>Why it must hold:</strong> \(failure.law.reason).</p>
      <h4>Replay</h4>
      <pre class="command" tabindex="0"><code>\(failure.replayCommand)</code></pre>
      \(alike(group.dropFirst()))</article>

      """
  }

  private func alike(_ failures: ArraySlice<Failure>) -> Markup {
    guard !failures.isEmpty else { return "" }
    let items = failures.map { failure -> Markup in
      """
      <li>\(failure.checkpoint)
      <pre class="command" tabindex="0"><code>\(failure.replayCommand)</code></pre></li>
      """
    }
    return """
      <details><summary>\(counted(failures.count, "more \(noun)")) with this diagnosis</summary>
      <ul>\(items)</ul></details>

      """
  }

  private func differences(_ failure: Failure) -> Markup {
    let figure = failure.heatMap.map { map -> Markup in
      """
      <figure>\(Markup(trusted: map.svg))\
      <figcaption>Elements of the tensor that differ</figcaption></figure>
      """
    }
    return failure.mismatch.isEmpty && figure == nil
      ? ""
      : """
      <h4>Where it differs</h4>
      \(lines(failure.mismatch))\(figure ?? "")
      """
  }

  private func facts(_ failure: Failure) -> Markup {
    let facts = failure.namedFacts.map { fact -> Markup in
      "<div><dt>\(fact.name)</dt><dd>\(fact.value)</dd></div>"
    }
    return "<dl class=\"facts\">\(facts)</dl>"
  }

  private func lines(_ lines: [String]) -> Markup {
    lines.isEmpty ? "" : "<pre tabindex=\"0\">\(lines.joined(separator: "\n"))</pre>"
  }

  private func story(_ failure: Failure) -> Markup {
    let story = failure.story
    let title = story.map(\.title) ?? "the checkpoint"
    let text = story.map { "<p>\(capitalized($0.text)).</p>\n" as Markup }
    return "<h4>\(capitalized(title))</h4>\n\(text ?? "")"
  }

  private func brokenLaws(_ failure: Failure) -> Markup {
    let others = failure.brokenLaws.filter { $0.law != failure.law.name }
    guard !others.isEmpty else {
      return "<p>No other of the \(grouped(lawCount)) laws is broken on it.</p>"
    }
    let items = others.map { other -> Markup in
      "<li><code>\(other.law)</code> \(other.summary)</li>"
    }
    return """
      <details><summary>Also broken on it: \(counted(others.count, "other law"))</summary>
      <ul>\(items)</ul></details>
      """
  }
}

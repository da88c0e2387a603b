// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CheckpointGenerators

/// What is known of the adapter as HTML.
struct HTMLKnown {
  /// One divergence.
  struct Row {
    let id: String
    let title: String
    /// What became of it, or is to become.
    let word: String
    let isNews: Bool
    let checkpoints: Int
  }

  let rows: [Row]
  /// The adapter with its version.
  let subject: String?
  let judged: Int
  /// What the words say.
  var wordTitle = "Its case"

  var section: Markup {
    guard !rows.isEmpty else { return "" }
    return """
      <section aria-labelledby="known">
      <h2 id="known">Known divergences</h2>
      <div class="scroll" tabindex="0" role="region" aria-labelledby="known">
      <table>
      <caption>What \(subject ?? "the adapter") is known to do, with the number of checkpoints \
      that showed it, of \(grouped(judged))</caption>
      <thead><tr><th scope="col">Divergence</th><th scope="col">\(wordTitle)</th>\
      <th scope="col" class="number">Checkpoints</th></tr></thead>
      <tbody>
      \(rows.map(row))</tbody>
      </table>
      </div>
      </section>

      """
  }

  private func row(_ row: Row) -> Markup {
    """
    <tr><th scope="row"><code>\(row.id)</code><span class="statement">\(row.title)</span></th>\
    <td><span class="badge \(row.isNews ? "broken" : "idle")">\(row.word)</span></td>\
    <td class="number">\(grouped(row.checkpoints))</td></tr>

    """
  }
}

/// What was left out of a space as HTML.
struct HTMLLeftOut {
  private let leftOut: [AxisSelection]

  init(_ leftOut: [AxisSelection]) {
    self.leftOut = leftOut
  }

  var section: Markup {
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
}

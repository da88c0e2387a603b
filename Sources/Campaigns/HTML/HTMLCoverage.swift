// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

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

  private static func item(_ name: String, _ share: Share) -> Markup {
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

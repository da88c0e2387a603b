// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// The coverage of the config axes as HTML.
struct HTMLCoverage {
  private let coverage: SpaceCoverage
  /// What shows more of it, if anything does.
  private let picture: Markup

  init(_ coverage: SpaceCoverage, picture: Markup = "") {
    self.coverage = coverage
    self.picture = picture
  }

  var section: Markup {
    """
    <section aria-labelledby="coverage">
    <h2 id="coverage">Coverage of the config axes</h2>
    <p>Of the combinations that some checkpoint of the space has, the part that was reached.</p>
    <ul class="shares">\(coverage.shares.map(share))</ul>
    \(missing)\(picture)<h3>Checkpoints by axis</h3>
    <div class="axes">
    \(coverage.axes.map(axis))</div>
    </section>

    """
  }

  private func share(_ name: String, _ share: SpaceCoverage.Share) -> Markup {
    """
    <li><span class="name">\(name)</span> \
    <span class="number">\(share.text)</span>\
    \(Self.bar(share.permille, isFull: share.permille == 1000))\
    <span class="of">\(grouped(share.reached)) of \(grouped(share.feasible))</span></li>
    """
  }

  private var missing: Markup {
    guard !coverage.missingPairs.isEmpty else { return "" }
    let items = coverage.missingPairs.map { "<li>\($0)</li>" as Markup }
    let count = coverage.pairs.feasible - coverage.pairs.reached
    return """
      <details><summary>\(counted(count, "pair")) not reached</summary>
      <ul>\(items)</ul></details>

      """
  }

  private func axis(_ axis: SpaceCoverage.Axis) -> Markup {
    let most = max(1, axis.values.map(\.count).max() ?? 1)
    let rows = axis.values.filter(\.isFeasible).map { value -> Markup in
      let permille = value.count * 1000 / most
      return """
        <tr\(value.count == 0 ? Markup(" class=\"missed\"") : "")>\
        <th scope="row">\(value.label)</th><td class="number">\(grouped(value.count))</td>\
        <td class="graph">\(Self.bar(permille, isFull: false))</td></tr>

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

  /// A bar so long, for the eye only.
  static func bar(_ permille: Int, isFull: Bool) -> Markup {
    """
    <span class="bar\(isFull ? " full" : "")" aria-hidden="true">\
    <span style="width:\(permille / 10).\(permille % 10)%"></span></span>
    """
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Which pairs of values were reached of each two axes, as a picture: a triangle of fields, the name
/// of an axis at the end of its row and above its column.
struct CampaignPairs {
  private let names: [String]
  private let shares: [[SpaceCoverage.Share?]]

  private static let size = 20
  private static let labelWidth = 190

  init(_ pairs: [AxisPairShare]) {
    var places: [String: Int] = [:]
    var names: [String] = []
    for name in pairs.flatMap({ [$0.first, $0.second] }) where places[name] == nil {
      places[name] = names.count
      names.append(name)
    }
    var shares = names.indices.map { [SpaceCoverage.Share?](repeating: nil, count: $0) }
    for pair in pairs {
      guard let first = places[pair.first], let second = places[pair.second], first != second
      else { continue }
      shares[max(first, second)][min(first, second)] = pair.share
    }
    self.names = names
    self.shares = shares
  }

  var figure: Markup {
    guard !names.isEmpty else { return "" }
    let size = Self.size
    let (width, height) = (names.count * size + Self.labelWidth, names.count * size)
    let rows = names.indices.map { row -> Markup in
      let fields = shares[row].enumerated().map { column, share in
        share.map { field($0, row: row, column: column) } ?? ""
      }
      return """
        \(fields)<text x="\(row * size + 5)" y="\(row * size + 14)">\(names[row])</text>

        """
    }
    return """
      <h3>Pairs of values by axes</h3>
      <p class="legend"><span><i class="full"></i>all pairs reached</span>\
      <span><i class="most"></i>more than 90 %</span><span><i class="some"></i>fewer</span>\
      <span><i class="none"></i>none</span></p>
      <figure class="pairs" tabindex="0" role="region" aria-label="Pairs of values by axes">
      <svg class="pairs" role="img" viewBox="0 0 \(width) \(height)" width="\(width)" \
      height="\(height)"><title>Pairs of values reached, by axes</title>
      \(rows)</svg>
      <figcaption>An axis has the fields to the left of its name and below it. A field is about \
      all pairs of values of its two axes; a number in it counts the pairs not reached.</figcaption>
      </figure>

      """
  }

  private func field(_ share: SpaceCoverage.Share, row: Int, column: Int) -> Markup {
    guard share.feasible > 0 else { return "" }
    let (x, y, missed) = (column * Self.size, row * Self.size, share.feasible - share.reached)
    let kind =
      missed == 0 ? "full" : share.reached == 0 ? "none" : share.permille > 900 ? "most" : "some"
    let count: Markup =
      missed == 0
      ? "" : "<text class=\"missed\" x=\"\(x + 9)\" y=\"\(y + 13)\">\(missed)</text>"
    return """
      <g><title>\(names[column]) × \(names[row]): \(grouped(share.reached)) of \
      \(grouped(share.feasible)) pairs</title>\
      <rect class="\(kind)" x="\(x)" y="\(y)" width="18" height="18" rx="2"/>\(count)</g>
      """
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// When a campaign found its causes, as a picture and a list.
struct CampaignTimeline {
  private let causes: [[CampaignFinding]]
  private let seconds: Double

  private static let width = 960.0
  /// How far the first second and the last are from the edges, so that marks fit.
  private static let margin = 14.0
  private static let mark = 22.0

  init(_ report: CampaignReport) {
    causes = report.findingGroups.sorted { $0[0].seconds < $1[0].seconds }
    // Findings of a clock that went wrong stay within the picture.
    seconds = max(report.seconds, causes.last?[0].seconds ?? 0, 0.1)
  }

  var section: Markup {
    guard !causes.isEmpty else { return "" }
    let items = causes.map { group -> Markup in
      let finding = group[0]
      return """
        <li><span class="when">\(durationText(finding.seconds))</span> \
        <code>\(finding.law.name)</code> \(finding.sentence)</li>

        """
    }
    return """
      <section aria-labelledby="timeline">
      <h2 id="timeline">Discoveries over time</h2>
      <figure class="wide" tabindex="0" role="region" aria-labelledby="timeline">\(picture)</figure>
      <ol class="timeline">
      \(items)</ol>
      </section>

      """
  }

  /// Marks that would cover each other stand one above the other.
  private var picture: Markup {
    var rowEnds: [Double] = []
    let marks = causes.enumerated().map { number, group -> (x: Double, row: Int, number: Int) in
      let x = place(group[0].seconds)
      let row = rowEnds.firstIndex { $0 <= x - Self.mark / 2 } ?? rowEnds.count
      let end = x + Self.mark / 2 + 2
      if row < rowEnds.count { rowEnds[row] = end } else { rowEnds.append(end) }
      return (x, row, number + 1)
    }
    let ground = Double(rowEnds.count) * (Self.mark + 2) + 6
    let drawn = marks.map { mark -> Markup in
      let y = ground - 6 - Self.mark / 2 - Double(mark.row) * (Self.mark + 2)
      return """
        <g><title>\(mark.number): \(causes[mark.number - 1][0].sentence)</title>\
        <line class="stem" x1="\(mark.x.text)" y1="\(y.text)" x2="\(mark.x.text)" \
        y2="\(ground.text)"/><circle cx="\(mark.x.text)" cy="\(y.text)" r="10"/>\
        <text class="mark" x="\(mark.x.text)" y="\((y + 4).text)">\(mark.number)</text></g>
        """
    }
    let height = ground + 24
    return """
      <svg class="timeline" role="img" viewBox="0 0 \(Self.width.text) \(height.text)" \
      aria-label="\(counted(causes.count, "cause")) in \(durationText(seconds))">\
      <line class="axis" x1="0" y1="\(ground.text)" x2="\(Self.width.text)" \
      y2="\(ground.text)"/>\(ticks(ground))\(drawn)</svg>
      """
  }

  private func ticks(_ ground: Double) -> [Markup] {
    (0...4).map { tick -> Markup in
      let time = seconds * Double(tick) / 4
      let x = place(time)
      let anchor = tick == 0 ? "start" : tick == 4 ? "end" : "middle"
      let label = tick == 0 ? x - Self.margin : tick == 4 ? x + Self.margin : x
      return """
        <line class="axis" x1="\(x.text)" y1="\(ground.text)" x2="\(x.text)" \
        y2="\((ground + 5).text)"/>\
        <text x="\(label.text)" y="\((ground + 19).text)" text-anchor="\(anchor)">\
        \(durationText(time))</text>
        """
    }
  }

  private func place(_ time: Double) -> Double {
    Self.margin + (Self.width - 2 * Self.margin) * min(1, max(0, time / seconds))
  }
}

extension Double {
  /// A length in a picture, to the tenth.
  var text: String {
    let tenths = Int((self * 10).rounded())
    let sign = tenths < 0 ? "-" : ""
    let rest = tenths.magnitude % 10
    return "\(sign)\(tenths.magnitude / 10)\(rest == 0 ? "" : ".\(rest)")"
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Heat maps as text and as pictures.
extension HeatMap {
  /// The characters that fields are drawn with.
  public enum Style: Sendable {
    case blocks
    case ascii

    /// For none, up to a quarter, a half, three quarters, and more.
    var characters: [String] {
      switch self {
      case .blocks: ["·", "░", "▒", "▓", "█"]
      case .ascii: [".", "-", "+", "x", "#"]
      }
    }

    func character(_ share: Double) -> String {
      characters[share <= 0 ? 0 : min(4, 1 + Int(share * 4))]
    }
  }

  /// The grids one below the other, each field one character.
  public func text(_ style: Style = .blocks) -> String {
    var lines: [String] = []
    for plane in planes {
      if let label = plane.label { lines.append(label) }
      lines += plane.shares.map { row in "  " + row.map(style.character).joined() }
    }
    if omitted > 0 { lines.append("and \(omitted) more") }
    let legend = zip(style.characters, ["none", "<25%", "<50%", "<75%", "to 100%"])
      .map { "\($0) \($1)" }.joined(separator: "  ")
    return (lines + ["wrong: \(legend)"]).joined(separator: "\n")
  }

  /// The grids side by side as a picture that stands alone.
  ///
  /// Colours are the CSS variables `--heat-wrong`, `--heat-field` and `--heat-text`, each with a
  /// default that can be read on light and dark ground.
  public func svg() -> String {
    let (size, gap, head, perRow) = (10, 14, 14, 4)
    let rows = planes.first?.shares.count ?? 0
    let columns = planes.first?.shares.first?.count ?? 0
    let (width, height) = (max(columns * size, 72), rows * size)
    var body = ""
    for (position, plane) in planes.enumerated() {
      let (down, across) = position.quotientAndRemainder(dividingBy: perRow)
      let (x, y) = (across * (width + gap), down * (height + head + gap) + head)
      if let label = plane.label {
        body += "<text x=\"\(x)\" y=\"\(y - 3)\">\(label)</text>"
      }
      body +=
        "<rect class=\"field\" x=\"\(x)\" y=\"\(y)\" width=\"\(columns * size)\" height=\"\(height)\"/>"
      for (row, shares) in plane.shares.enumerated() {
        for (column, share) in shares.enumerated() where share > 0 {
          // One wrong element among many must be seen, so the weakest colour is not too weak.
          let hundredths = 25 + Int((share * 75).rounded(.down))
          let opacity = hundredths == 100 ? "1" : "0.\(hundredths)"
          body +=
            "<rect class=\"wrong\" x=\"\(x + column * size)\" y=\"\(y + row * size)\" "
            + "width=\"\(size)\" height=\"\(size)\" fill-opacity=\"\(opacity)\"/>"
        }
      }
    }
    let (down, across) = ((planes.count + perRow - 1) / perRow, min(planes.count, perRow))
    let (w, h) = (across * (width + gap) - gap, down * (height + head + gap) - gap)
    return """
      <svg xmlns="http://www.w3.org/2000/svg" role="img" class="heat-map" viewBox="0 0 \(w) \(h)" \
      width="\(w)" height="\(h)"><title>\(Self.escaped(title))</title><style>\
      .heat-map .field{fill:var(--heat-field,#8883)}\
      .heat-map .wrong{fill:var(--heat-wrong,#d9480f)}\
      .heat-map text{fill:var(--heat-text,#888);font:10px monospace}</style>\(body)</svg>
      """
  }

  private static func escaped(_ text: String) -> String {
    text.reduce(into: "") { result, character in
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      default: result.append(character)
      }
    }
  }
}

extension HeatMap.Plane {
  /// Which part of the tensor the grid shows, or nil if that is all of it.
  fileprivate var label: String? {
    outer.isEmpty ? nil : "[" + outer.map { "\($0), " }.joined() + ":, :]"
  }
}

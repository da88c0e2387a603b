// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import AdapterLaws
public import StrictJSON
package import Tensors

/// What differs between two checkpoint folders, as text, JSON and HTML.
public struct DiffReport: Sendable {
  /// What differs.
  public let diff: CheckpointDiff
  /// The paths of the folders, each with what it holds, such as `on disk`.
  public let first, second: (path: String, form: String)

  /// Creates a report.
  public init(
    _ diff: CheckpointDiff, first: (path: String, form: String),
    second: (path: String, form: String)
  ) {
    (self.diff, self.first, self.second) = (diff, first, second)
  }

  private static let shownNames = 3
  private static let shownDifferences = 10

  private var headline: String {
    let total = diff.commonCount + diff.missing.count
    guard !diff.isEmpty else {
      return "\(counted(total, "tensor")) \(total == 1 ? "is" : "are") the same, bit for bit"
    }
    let changed = Set(diff.differences.map(\.name)).count
    let parts = [
      (changed, "changed"), (diff.missing.count, "missing"), (diff.surplus.count, "surplus"),
    ]
    .filter { $0.0 > 0 }.map { "\(grouped($0.0)) \($0.1)" }
    return "\(second.path) differs from \(first.path): of \(counted(total, "tensor")), "
      + parts.joined(separator: ", ")
  }

  private var forms: String { "\(first.path) is \(first.form), \(second.path) is \(second.form)" }

  /// One screen.
  public var lines: [ReportLine] {
    var lines = [ReportLine(diff.isEmpty, headline)]
    guard !diff.isEmpty else { return lines + [ReportLine("  \(forms)")] }
    for sentence in diff.findings.map(\.sentence) {
      lines += wrapped(sentence, width: FailureScreen.width - 2).prefix(3).map {
        ReportLine("  \($0)")
      }
    }
    if diff.otherFindings > 0 {
      lines.append(ReportLine("  and \(counted(diff.otherFindings, "more finding"))"))
    }
    lines.append(ReportLine("  (\(forms))"))
    for (title, infos) in [("missing", diff.missing), ("surplus", diff.surplus)]
    where !infos.isEmpty {
      lines += ["", ReportLine("\(grouped(infos.count)) \(title)")]
      lines += infos.prefix(Self.shownNames).map { ReportLine("    \($0)") }
    }
    guard !diff.differences.isEmpty else { return lines }
    lines += ["", ReportLine("\(grouped(diff.differences.count)) changed")]
    if let shown = diff.shown {
      lines.append(ReportLine("    \(shown.name)"))
      lines += shown.lines.map { ReportLine("      \($0)") }
    }
    let others = diff.differences.filter { diff.shown == nil || $0.name != diff.shown?.name }
    lines += others.prefix(Self.shownDifferences).map {
      ReportLine("    \($0.title): \($0.summary)")
    }
    if others.count > Self.shownDifferences {
      lines.append(
        ReportLine("    and \(grouped(others.count - Self.shownDifferences)) more, all with --json")
      )
    }
    return lines
  }

  /// The members of the JSON document.
  public var json: JSONObject {
    [
      "first": .string(first.path), "firstForm": .string(first.form),
      "second": .string(second.path), "secondForm": .string(second.form),
      "common": JSONValue(diff.commonCount),
      "findings": .array(diff.findings.map(\.json)),
      "otherFindings": JSONValue(diff.otherFindings),
      "missing": .array(diff.missing.map { $0.json() }),
      "surplus": .array(diff.surplus.map { $0.json() }),
      "changed": .array(diff.differences.map(\.json)),
    ]
  }

  /// One HTML file, which loads nothing from elsewhere and runs no script.
  ///
  /// - Parameter tool: The program and its version.
  public func html(tool: String) -> String {
    HTMLReport.page(
      title: diff.isEmpty ? "Same – hymt2 diff" : "Different – hymt2 diff",
      """
      <header class="\(diff.isEmpty ? "held" : "broken")">
      <p class="tool">hymt2 diff · \(forms)</p>
      <h1><span class="mark" aria-hidden="true">\(diff.isEmpty ? "✔" : "✘")</span> \(headline)</h1>
      </header>
      \(findingSection)\(nameSection("Missing", diff.missing))\(nameSection("Surplus", diff.surplus))\
      \(changeSection)
      """, tool: tool)
  }

  private var findingSection: Markup {
    guard !diff.findings.isEmpty else { return "" }
    let figure = diff.shown.flatMap { HeatMap($0) }.map { map -> Markup in
      """
      <figure>\(Markup(trusted: map.svg()))\
      <figcaption>Elements of \(diff.shown?.name.text ?? "") that differ</figcaption></figure>
      """
    }
    let lines = diff.shown.map { shown -> Markup in
      "<pre tabindex=\"0\">\(([shown.name.text] + shown.lines).joined(separator: "\n"))</pre>"
    }
    return """
      <section aria-labelledby="findings">
      <h2 id="findings">What happened</h2>
      \(diff.findings.map { "<p class=\"diagnosis\">\($0.sentence)</p>\n" as Markup })\
      \(lines ?? "")\(figure ?? "")</section>

      """
  }

  private func nameSection(_ title: String, _ infos: [TensorInfo]) -> Markup {
    guard !infos.isEmpty else { return "" }
    return """
      <section><details><summary>\(title): \(counted(infos.count, "tensor"))</summary>
      <ul>\(infos.map { "<li>\($0.description)</li>" as Markup })</ul></details></section>

      """
  }

  private var changeSection: Markup {
    guard !diff.differences.isEmpty else { return "" }
    let shown = diff.differences.prefix(1000)
    let rows = shown.map { one -> Markup in
      """
      <tr role="row"><th scope="row" role="rowheader"><code>\(one.title)</code></th>\
      <td role="cell">\(one.summary)</td></tr>

      """
    }
    let rest = diff.differences.count - shown.count
    return """
      <section aria-labelledby="changed">
      <h2 id="changed">Changed</h2>
      \(HTMLReport.table(
        "changed", "Each tensor that differs" + (rest > 0 ? ", and \(grouped(rest)) more" : ""),
        [("Tensor", ""), ("What differs", "")], rows))</section>

      """
  }
}

extension Diagnosis.Finding {
  /// The cause and the places that it concerns.
  package var json: JSONValue {
    [
      "code": .string(code.fault.identifier), "sentence": .string(sentence),
      "classes": .strings(classes), "layers": .array(layers.map { JSONValue($0) }),
      "experts": .array(experts.map { JSONValue($0) }),
      "tensors": .strings(tensors.prefix(8).map(\.text)),
    ]
  }
}

extension CheckpointDiff.Difference {
  /// The tensor and all that is known of how it differs.
  package var json: JSONValue {
    [
      "name": .string(name.text), "expert": slot.map { JSONValue($0) } ?? .null,
      "kind": .string(kind.rawValue), "expected": expected.json(), "found": found.json(),
      "count": JSONValue(count),
      "bounds": .array(
        bounds.map { .array([JSONValue($0.lowerBound), JSONValue($0.upperBound)]) }),
      "ulps": ulps.map { JSONValue($0) } ?? .null,
      "lossy": lossy.map { JSONValue($0) } ?? .null,
      "origin": origin.map { .string($0) } ?? .null,
      "first": .array(
        first.map { element in
          [
            "index": .array(element.index.map { JSONValue($0) }),
            "expected": .string(element.hexadecimal(element.expected)),
            "found": .string(element.hexadecimal(element.found)),
          ]
        }),
    ]
  }
}

extension TensorInfo {
  /// Name, type and shape.
  package func json(typeAs member: String = "dtype") -> JSONValue {
    [
      "name": .string(name.text), member: .string(dtype.rawValue),
      "shape": .array(shape.extents.map { JSONValue($0) }),
    ]
  }
}

extension TensorMismatch {
  /// The first elements that differ, in lines.
  fileprivate var lines: [String] { table(limit: 4) }
}

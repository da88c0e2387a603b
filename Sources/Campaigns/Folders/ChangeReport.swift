// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// How one set of cases differs from another, as HTML and as Markdown for a pull request.
public struct ChangeReport: Sendable {
  /// One tensor that differs.
  public struct Row: Sendable {
    /// Where it is, such as a case and one of its state dicts.
    public let place: String
    /// The tensor.
    public let tensor: String
    /// Where its elements differ, and by how much.
    public let summary: String

    /// Creates a row.
    public init(place: String, tensor: String, summary: String) {
      (self.place, self.tensor, self.summary) = (place, tensor, summary)
    }
  }

  /// What has one cause.
  public struct Section: Sendable {
    /// The cause, in the words of the diagnosis.
    public let sentences: [String]
    /// The code of the cause.
    public let code: String
    /// The cases that have it.
    public let cases: [String]
    /// The tensors that differ.
    public let rows: [Row]

    /// Creates a section.
    public init(_ code: String, _ sentences: [String], cases: [String], rows: [Row]) {
      (self.code, self.sentences, self.cases, self.rows) = (code, sentences, cases, rows)
    }

    fileprivate var title: String { sentences.first ?? code }
    fileprivate var shownRows: [Row] { Array(rows.prefix(ChangeReport.mostRows)) }
    fileprivate var others: String? {
      let count = rows.count - shownRows.count
      return count > 0 ? "and \(counted(count, "more tensor"))" : nil
    }
  }

  private let command: String
  private let headline: String
  private let sections: [Section]
  private let next: String
  private static let mostRows = 50

  /// Creates a report.
  ///
  /// - Parameters:
  ///   - command: What compared them, such as `golden diff`.
  ///   - headline: What differs, in one sentence.
  ///   - next: The command that takes the new set.
  public init(_ command: String, _ headline: String, _ sections: [Section], next: String) {
    (self.command, self.headline, self.sections, self.next) = (command, headline, sections, next)
  }

  /// How the names of its files end.
  public static let endings = [".html", ".md"]

  /// The content of a file, by its name.
  ///
  /// - Parameter tool: The program and its version.
  public func render(fileNamed name: String, tool: String) -> String {
    name.lowercased().hasSuffix(".html") ? html(tool: tool) : markdown
  }

  private var isEmpty: Bool { sections.isEmpty }

  private var markdown: String {
    let text: Markdown = """
      ## \(isEmpty ? "✔" : "✘") \(command): \(headline)

      \(sections.map(Self.markdown))\(isEmpty ? "" : .block([next]))
      """
    return text.text
  }

  private static func markdown(_ section: Section) -> Markdown {
    let rows = section.shownRows.map { row -> Markdown in
      "| \(row.place) | \(row.tensor) | \(row.summary) |\n"
    }
    let table: Markdown =
      rows.isEmpty ? "" : "| where | tensor | what differs |\n| --- | --- | --- |\n\(rows)\n"
    return """
      ### \(section.title)

      \(section.sentences.dropFirst().map { "\($0)\n\n" as Markdown })\
      \(counted(section.cases.count, "case")) (\(section.code)): \
      \(section.cases.joined(separator: ", "))

      \(table)\(section.others.map { "\($0)\n\n" } ?? "")
      """
  }

  private func html(tool: String) -> String {
    HTMLReport.page(
      title: "\(isEmpty ? "Same" : "Different") – hymt2 \(command)",
      """
      <header class="\(isEmpty ? "held" : "broken")">
      <p class="tool">hymt2 \(command)</p>
      <h1><span class="mark" aria-hidden="true">\(isEmpty ? "✔" : "✘")</span> \(headline)</h1>
      </header>
      \(sections.enumerated().map { Self.html($1, "cause\($0)") })\(isEmpty ? "" : command(next))
      """, tool: tool)
  }

  private func command(_ text: String) -> Markup {
    """
    <section aria-labelledby="accept">
    <h2 id="accept">Accept</h2>
    <pre class="command" tabindex="0"><code>\(text)</code></pre>
    </section>

    """
  }

  private static func html(_ section: Section, _ id: String) -> Markup {
    let rows = section.shownRows.map { row -> Markup in
      """
      <tr role="row"><th scope="row" role="rowheader">\(row.place)</th>\
      <td role="cell"><code>\(row.tensor)</code></td><td role="cell">\(row.summary)</td></tr>

      """
    }
    let table: Markup =
      rows.isEmpty
      ? ""
      : HTMLReport.table(
        id, "Tensors that differ\(section.others.map { ", \($0)" } ?? "")",
        [("Where", ""), ("Tensor", ""), ("What differs", "")], rows)
    return """
      <section aria-labelledby="\(id)">
      <h2 id="\(id)">\(section.title)</h2>
      \(section.sentences.dropFirst().map { "<p class=\"diagnosis\">\($0)</p>\n" as Markup })\
      <p>\(counted(section.cases.count, "case")) (\(section.code)): \
      \(section.cases.joined(separator: ", "))</p>
      \(table)</section>

      """
  }
}

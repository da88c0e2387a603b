// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What GitHub Actions shows of a report.
public struct GitHubReport: Sendable {
  /// Lines of the log that become annotations, as many as GitHub shows of a step.
  public let annotations: [String]
  /// The step's summary in Markdown.
  public let summary: String

  /// GitHub shows this many errors of a step, and no more.
  private static let mostAnnotations = 10
  /// GitHub takes 1 MiB of a step's summary.
  private static let mostGroups = 50

  /// What is shown of a report.
  ///
  /// - Parameter file: The config, if there is one.
  public init(_ report: RunReport, file: String?) {
    let groups = report.failureGroups
    annotations = Self.annotations(report, groups, file)
    let rest = groups.count - Self.mostGroups
    let more: Markdown =
      rest > 0 ? "And \(counted(rest, "more cause")), in the other reports.\n\n" : ""
    let summary: Markdown = """
      ## \(report.holds ? "✔" : "✘") \(report.commandName): \(report.headline)

      \(report.verdict)

      \(Self.table(report.tiles))
      \(groups.prefix(Self.mostGroups).map { Self.section($0, report) })\(more)\
      Again, on any machine:

      \(.block([report.command]))

      """
    self.summary = summary.text
  }

  private static func annotations(
    _ report: RunReport, _ groups: [[Failure]], _ file: String?
  ) -> [String] {
    // The last place says that there are more.
    let shown = groups.count > mostAnnotations ? mostAnnotations - 1 : groups.count
    let errors = groups.prefix(shown).map { group in
      GitHubAnnotation(
        level: .error, title: "\(group[0].law.name): \(group[0].law.statement)", file: file,
        message: "\(group[0].sentence)\n\(group[0].checkpoint)\n\(group[0].replayCommand)")
    }
    let rest = groups.count - shown
    let more = GitHubAnnotation(
      level: .error, title: report.commandName, file: file,
      message: "\(counted(rest, "more cause")), in the step's summary")
    return (errors + (rest > 0 ? [more] : [])).map(\.command)
  }

  private static func table(_ tiles: [(name: String, value: String)]) -> Markdown {
    """
    |\(tiles.map { " \($0.name) |" as Markdown })
    |\(tiles.map { _ in " ---: |" as Markdown })
    |\(tiles.map { " \($0.value) |" as Markdown })

    """
  }

  private static func section(_ group: [Failure], _ report: RunReport) -> Markdown {
    let failure = group[0]
    let screen = report.lines(of: failure).map(\.description)
    let alike = group.count > 1 ? " (\(counted(group.count, "failure")))" : ""
    return """
      ### \(failure.law.name): \(failure.sentence)\(alike)

      \(report.remarks(group).map { "\(capitalized($0))\n\n" as Markdown })\
      <details><summary>\(failure.title)</summary>

      \(.block(screen))
      </details>

      \(.block([failure.replayCommand]))

      """
  }
}

/// A message that GitHub Actions shows beside a file and above a run's log.
struct GitHubAnnotation {
  enum Level: String {
    case error, warning, notice
  }

  let level: Level
  let title: String
  /// The file that it is about, if there is one.
  let file: String?
  let message: String

  /// The line of the log that makes it.
  var command: String {
    let properties = [("file", file), ("title", title)].compactMap { name, value in
      value.map { "\(name)=\(Self.escapedProperty($0))" }
    }
    return "::\(level) \(properties.joined(separator: ","))::\(Self.escaped(message))"
  }

  /// Text in which no line ends.
  private static func escaped(_ text: String) -> String {
    encoded(text, ["%", "\r", "\n"])
  }

  /// Text in which no property ends.
  private static func escapedProperty(_ text: String) -> String {
    encoded(text, ["%", "\r", "\n", ":", ","])
  }

  /// Control characters that mean nothing to GitHub become U+FFFD: they could deceive a terminal.
  private static func encoded(_ text: String, _ special: [Unicode.Scalar]) -> String {
    text.unicodeScalars.map { scalar in
      guard special.contains(scalar) else {
        return scalar.properties.generalCategory == .control ? "\u{fffd}" : String(scalar)
      }
      let digits = String(scalar.value, radix: 16, uppercase: true)
      return "%" + (digits.count < 2 ? "0" : "") + digits
    }.joined()
  }
}

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

  /// - Parameters:
  ///   - groups: The failures of each cause.
  ///   - file: The config, if there is one.
  init(
    _ head: ReportHead, _ groups: [[any ReportedFailure]], lawCount: Int, command: String,
    file: String?
  ) {
    annotations = Self.annotations(head, groups, file)
    let rest = groups.count - Self.mostGroups
    let more: Markdown =
      rest > 0 ? "And \(counted(rest, "more cause")), in the other reports.\n\n" : ""
    let summary: Markdown = """
      ## \(head.holds ? "✔" : "✘") \(head.command): \(head.headline)

      \(head.verdict)

      \(Self.table(head.tiles))
      \(groups.prefix(Self.mostGroups).map { Self.section($0, lawCount) })\(more)\
      Again, on any machine:

      \(.block([command]))

      """
    self.summary = summary.text
  }

  private static func annotations(
    _ head: ReportHead, _ groups: [[any ReportedFailure]], _ file: String?
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
      level: .error, title: head.command, file: file,
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

  private static func section(_ group: [any ReportedFailure], _ lawCount: Int) -> Markdown {
    let failure = group[0]
    let screen = FailureScreen(failure: failure, lawCount: lawCount).lines.map(\.description)
    let alike = group.count > 1 ? " (\(counted(group.count, "failure")))" : ""
    return """
      ### \(failure.law.name): \(failure.sentence)\(alike)

      <details><summary>the smallest checkpoint that shows it</summary>

      \(.block(screen))
      </details>

      \(.block([failure.replayCommand]))

      """
  }
}

extension CheckReport {
  /// The report for GitHub Actions.
  ///
  /// - Parameter config: The file that pins the config, if there is one.
  public func gitHub(config: String?) -> GitHubReport {
    GitHubReport(head, failureGroups, lawCount: laws.count, command: command, file: config)
  }
}

extension CampaignReport {
  /// The report for GitHub Actions.
  public var gitHub: GitHubReport {
    GitHubReport(
      head, findingGroups, lawCount: laws.count, command: command, file: configPath)
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What the report of a run is written as.
public struct ReportFormat: Sendable {
  /// How the names of its files end, such as `.html`.
  public let ending: String
  /// What it is, in a few words.
  public let summary: String
  private let body: @Sendable (RunReport, Source) -> String

  /// What a report comes from.
  public struct Source: Sendable {
    /// The program and its version.
    public var tool: String
    /// The file of the config that the report is about, if there is one.
    public var config: String?

    /// Creates a source.
    public init(tool: String, config: String? = nil) {
      self.tool = tool
      self.config = config
    }
  }

  /// The formats.
  public static let all = [
    ReportFormat(ending: ".html", summary: "one self-contained page") { $0.html(tool: $1.tool) },
    ReportFormat(ending: ".md", summary: "Markdown") { GitHubReport($0, file: $1.config).summary },
    ReportFormat(ending: ".xml", summary: "JUnit") { report, _ in report.junit },
    ReportFormat(ending: ".txt", summary: "plain text") { report, _ in
      report.lines(isVerbose: true).map { "\($0)\n" }.joined()
    },
  ]

  /// The format of a file by its name, whatever the case; nil where none has its ending.
  public static func of(fileNamed name: String) -> ReportFormat? {
    all.first { name.lowercased().hasSuffix($0.ending) }
  }

  /// The content of the file.
  public func render(_ report: RunReport, from source: Source) -> String { body(report, source) }
}

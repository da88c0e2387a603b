// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import ArgumentParser
import Campaigns
import Layouts
import StrictJSON

/// `hymt2 layouts`.
struct LayoutsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "layouts",
    abstract:
      "List, show and audit layouts: what checkpoints look like on disk and in native form.",
    subcommands: [LayoutsListCommand.self, LayoutsShowCommand.self, LayoutsAuditCommand.self],
    defaultSubcommand: LayoutsListCommand.self)
}

/// `hymt2 layouts list`.
struct LayoutsListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list",
    abstract: "List the built-in layouts, one a line.",
    usage: "hymt2 layouts list [<options>]",
    discussion: """
      For each: its name, the model types that it reads, upstream's adapter, the operations \
      between disk and native form, its native forms, and its published configs in --configs.

      Examples:
        hymt2 layouts list
        hymt2 layouts list --json
      """)

  @Option(
    help: ArgumentHelp(
      "A folder with config.json files of models.", valueName: "folder"))
  var configs = "Generators/configs"

  @OptionGroup var output: OutputOptions

  func run() throws {
    try runOrExit {
      let layouts = try Layout.knownNames.map { try Layout.named($0) }
      let published = publishedConfigs()
      let rows = layouts.map { row($0, published[$0.name] ?? []) }
      let widths = (0..<3).map { column in rows.map { $0[column].count }.max() ?? 0 }
      let console = output.console
      for row in rows {
        let fields = row.enumerated().map { column, text in
          column < widths.count ? text.padded(to: widths[column]) : text
        }
        console.print(fields.filter { !$0.isEmpty }.joined(separator: "  "))
      }
      console.printDocument(
        "layouts", holds: true,
        ["layouts": .array(layouts.map { json($0, published[$0.name] ?? []) })])
      return true
    }
  }

  private func row(_ layout: Layout, _ configs: [String]) -> [String] {
    let forms =
      layout.natives.count > 1 ? ["native forms \(layout.natives.joined(separator: ", "))"] : []
    let facts = layout.operations.map(\.rawValue) + forms
    return [
      layout.name, layout.modelTypes.joined(separator: ", "),
      layout.upstream ?? "no adapter upstream",
      facts.joined(separator: ", ")
        + (configs.isEmpty ? "" : "; \(configs.joined(separator: ", "))"),
    ]
  }

  private func json(_ layout: Layout, _ configs: [String]) -> JSONValue {
    [
      "name": .string(layout.name), "models": .array(layout.modelTypes.map { .string($0) }),
      "upstream": layout.upstream.map { .string($0) } ?? .null,
      "natives": .array(layout.natives.map { .string($0) }),
      "operations": .array(layout.operations.map { .string($0.rawValue) }),
      "configs": .array(configs.map { .string($0) }),
    ]
  }

  /// The configs of the folder by the layout that reads them; other files count for nothing.
  private func publishedConfigs() -> [String: [String]] {
    var result: [String: [String]] = [:]
    for file in folderNames(in: configs) ?? [] where file.hasSuffix(".json") {
      guard let config = try? ModelConfig(fileAt: "\(configs)/\(file)") else { continue }
      result[config.layout.name, default: []].append(file)
    }
    return result
  }
}

/// `hymt2 layouts audit`.
struct LayoutsAuditCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit",
    abstract: "Check layout tables for mistakes, without data.",
    discussion: """
      Evaluates a table for small configs: names and native places are distinct, every native \
      group is filled, every tensor converts back, and no rule is dead, hidden or unused.

      Examples:
        hymt2 layouts audit qwen3_moe
        hymt2 layouts audit my_model.yaml --json
      """)

  @Argument(help: "Names of layouts, or files with tables.")
  var tables: [String]

  @OptionGroup var output: OutputOptions

  func validate() throws {
    for table in tables { try LayoutSource(table).validate(native: nil) }
  }

  func run() throws {
    try runOrExit {
      let console = output.console
      var documents: [JSONValue] = []
      var holds = true
      for table in tables {
        let audit = try LayoutSource(table).audit()
        holds = holds && audit.findings.isEmpty
        print(audit, of: table, to: console)
        documents.append(json(audit, of: table))
      }
      console.printDocument("layouts audit", holds: holds, ["tables": .array(documents)])
      return holds
    }
  }

  private func print(_ audit: LayoutAudit, of table: String, to console: Console) {
    let configs = "\(grouped(audit.configCount)) configs"
    console.printVerdict(
      audit.findings.isEmpty,
      audit.findings.isEmpty
        ? "\(table): nothing is wrong, by \(configs) and \(grouped(audit.elementCount)) elements"
        : "\(table): \(grouped(audit.findings.count)) finding\(audit.findings.count == 1 ? "" : "s"), by \(configs)"
    )
    for finding in audit.findings { console.print("  \(finding.demand.rawValue): \(finding)") }
  }

  private func json(_ audit: LayoutAudit, of table: String) -> JSONValue {
    [
      "table": .string(table), "ok": .bool(audit.findings.isEmpty),
      "configs": JSONValue(audit.configCount), "elements": JSONValue(audit.elementCount),
      "findings": .array(
        audit.findings.map { finding in
          [
            "demand": .string(finding.demand.rawValue),
            "native": finding.native.map { .string($0) } ?? .null,
            "table": .string(finding.error.table),
            "line": finding.error.line.map { JSONValue($0) } ?? .null,
            "field": .string(finding.error.field), "expected": .string(finding.error.expected),
            "found": .string(finding.error.found),
          ]
        }),
    ]
  }
}

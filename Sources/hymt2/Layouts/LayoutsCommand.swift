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

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import CheckpointGenerators
import Layouts
public import StrictJSON

extension KnownDivergences {
  /// A page in Markdown for whoever maintains the adapter: each entry with its minimal config and the
  /// command that shows it.
  public var markdown: String {
    let count = entries.isEmpty ? "None is listed yet." : "There are \(entries.count)."
    let head = """
      # Known divergences of \(Self.escaped(subject))

      Where this version of the adapter does otherwise than a [law](laws.md) says. `hymt2 check` counts these
      and fails for others only. \(count)

      This page is what `hymt2 known \(shellCommand([adapter, version, "--layout", layouts[0]])) --markdown`
      prints.

      """
    return ([head] + entries.map(section)).joined(separator: "\n")
  }

  /// The command that checks all laws on the minimal checkpoint of an entry.
  public func replayCommand(_ entry: KnownDivergence) -> String {
    let adapter = command.map { ["--adapter", $0] } ?? []
    return shellCommand(
      ["hymt2", "replay", entry.token] + layoutArguments + adapter + ["--no-known"])
  }

  private func section(_ entry: KnownDivergence) -> String {
    let laws = entry.violations.map(\.law)
    let names = laws.enumerated().filter { !laws[..<$0.offset].contains($0.element) }.map(\.element)
    let when = entry.when.map { "\($0.axis): \($0.values.joined(separator: " or "))" }
    let facts = [
      "`\(entry.id)`", "laws: \(names.joined(separator: ", "))",
      when.isEmpty ? nil : "on checkpoints with \(when.joined(separator: "; "))",
      "decision: \(entry.decision)",
    ].compactMap(\.self)
    let diagnosis = entry.diagnosis.map { "> \(Self.escaped($0))" }.joined(separator: "\n>\n")
    let config =
      (try? CheckpointSpec(token: entry.token)).map {
        "```json\n\($0.config.json.text(.python))```"
      } ?? "The checkpoint is of a layout that is not part of the program."
    return """
      ## \(Self.escaped(entry.title))

      \(facts.map { $0.hasPrefix("`") ? $0 : Self.escaped($0) }.joined(separator: " · "))

      \(Self.escaped(entry.summary))
      \(diagnosis.isEmpty ? "" : "\nOf the smallest checkpoint that shows it the harness says:\n\n\(diagnosis)\n")
      \(config)

      ```sh
      \(replayCommand(entry))
      ```

      """
  }

  /// The text without what Markdown would read as more than text, except for code between backticks.
  private static func escaped(_ text: String) -> String {
    var result = ""
    var isCode = false
    for character in text {
      if character == "`" { isCode.toggle() }
      if !isCode, "\\*_<>[]#|".contains(character) { result.append("\\") }
      result.append(character)
    }
    return result
  }
}

extension KnownDivergences {
  /// Items in Markdown: what several lists say, each divergence once, with the layouts that have it and the
  /// command that shows it on a smallest checkpoint of the first.
  public static func overview(_ lists: [KnownDivergences]) -> String {
    var items: [(id: String, title: String, command: String, layouts: [String])] = []
    for list in lists {
      for entry in list.entries {
        if let known = items.firstIndex(where: { $0.id == entry.id }) {
          items[known].layouts += list.layouts
        } else {
          items.append((entry.id, entry.title, list.replayCommand(entry), list.layouts))
        }
      }
    }
    return items.map { item in
      """
      - **\(escaped(item.title))** (`\(item.id)`): \(escaped(item.layouts.joined(separator: ", ")))

            \(item.command)

      """
    }.joined(separator: "\n")
  }

  /// The members of the JSON document about the list.
  public var json: [(String, JSONValue)] {
    [
      ("adapter", .string(adapter)), ("version", .string(version)),
      ("layouts", .strings(layouts)),
      (
        "entries",
        .array(
          entries.map { entry in
            var object = entry.shown
            object["replay"] = .string(replayCommand(entry))
            return .object(object)
          })
      ),
    ]
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import ArgumentParser
import Campaigns
import Layouts
import StrictJSON

/// `hymt2 layouts audit`.
struct LayoutsAuditCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit",
    abstract: "Check layout tables for mistakes, without data.",
    usage: "hymt2 layouts audit (<table> ... | --all) [<options>]",
    discussion: """
      Evaluates a table for small configs: names and native places are distinct, every native \
      group is filled, every tensor converts back, and no rule is dead, hidden or unused.

      Where transformers has the model, its own mapping is the second table: both must have the \
      same names on disk and put the same elements into one tensor. What differs and why is \
      listed; what is not explained is a finding.

      Examples:
        hymt2 layouts audit --all
        hymt2 layouts audit my_model.yaml --json
      """)

  @Argument(help: "Names of layouts, or files with tables.")
  var tables: [String] = []

  @Flag(help: "Audit every built-in layout.")
  var all = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard all != !tables.isEmpty else {
      throw ValidationError("expected names of layouts, or --all, and not both")
    }
    for table in tables { try LayoutSource(table).validate(native: nil) }
  }

  func run() throws {
    try runOrExit {
      let console = output.console
      let mapping = try TransformersMapping()
      var documents: [JSONValue] = []
      var (holds, shared) = (true, 0)
      for table in all ? Layout.knownNames : tables {
        let source = LayoutSource(table)
        let audit = try source.audit()
        let other = try MappingAudit(of: source.layout(native: nil), mapping)
        holds = holds && audit.findings.isEmpty && other.findings.isEmpty
        shared += other.classes.isEmpty || !other.findings.isEmpty ? 0 : 1
        print(audit, of: table, to: console)
        print(other, to: console)
        documents.append(.object(json(audit, of: table) + ["transformers": json(other)]))
      }
      if all {
        console.print("\(shared) layouts agree with transformers \(mapping.version)")
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

  private func print(_ audit: MappingAudit, to console: Console) {
    guard !audit.classes.isEmpty else {
      return console.print("  transformers \(audit.version) has no such model")
    }
    let holds = audit.findings.isEmpty
    console.print(
      "  \(holds ? "agrees" : "disagrees") with transformers' "
        + "\(audit.classes.joined(separator: ", ")): \(grouped(audit.nameCount)) names, "
        + "\(audit.groupCount) groups, \(audit.ruleCount) rules")
    for (review, count) in audit.explained {
      console.print("    explained (\(count)): \(review.why)")
    }
    for finding in audit.findings { console.print("    \(finding.demand.rawValue): \(finding)") }
  }

  private func json(_ audit: LayoutAudit, of table: String) -> JSONObject {
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

  private func json(_ audit: MappingAudit) -> JSONValue {
    [
      "version": .string(audit.version), "classes": .array(audit.classes.map { .string($0) }),
      "names": JSONValue(audit.nameCount), "groups": JSONValue(audit.groupCount),
      "rules": JSONValue(audit.ruleCount),
      "explained": .array(
        audit.explained.map { review, count in
          [
            "demand": .string(review.demand.rawValue), "start": .string(review.start),
            "why": .string(review.why), "count": JSONValue(count),
          ]
        }),
      "findings": .array(
        audit.findings.map { finding in
          [
            "demand": .string(finding.demand.rawValue), "about": .string(finding.about),
            "expected": .string(finding.expected), "found": .string(finding.found),
          ]
        }),
    ]
  }
}

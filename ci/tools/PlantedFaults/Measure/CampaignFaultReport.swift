// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Campaigns
public import Layouts
public import StrictJSON

/// What campaigns around one config made of planted faults.
public struct CampaignFaultReport: Sendable {
  /// The path of the config.
  public let configPath: String
  /// The config's layout.
  public let layout: Layout
  /// The config in one phrase.
  public let configSummary: String
  /// How many seconds a campaign could take.
  public let seconds: Int
  /// What everything random derived from.
  public let seed: UInt64
  /// The results, in the order of the faults.
  public let results: [CampaignFaultResult]
  /// The faults that have no place in the config's layout, and why.
  public let absent: [(fault: PlantedFault, reason: String)]

  /// Whether every fault was found.
  public var holds: Bool { results.allSatisfy(\.holds) }

  /// The slowest finding in seconds.
  private var slowest: Double? { results.compactMap { $0.finding?.discovery?.seconds }.max() }

  private var verdict: String {
    let found = results.count(where: \.holds)
    let slowest = slowest.map { ", the last after \(Self.text($0))" } ?? ""
    return "\(found) of \(counted(results.count, "fault")) found around \(configPath) "
      + "(\(configSummary)) within \(seconds) s each, seed \(seed)\(slowest)"
  }

  /// The report as lines for a terminal.
  public var lines: [ReportLine] {
    let head = ["fault", "found", "seconds", "case", "law"]
    let table = TextTable(rows: [head] + results.map(row)).lines(indentation: 0)
    var lines = [ReportLine(nil, "  \(table.first ?? "")")]
    for (result, row) in zip(results, table.dropFirst()) {
      lines.append(ReportLine(result.holds, row))
      lines += remarks(result).map { ReportLine(nil, "    \($0)") }
    }
    return lines + FaultReport.lines(absent: absent) + ["", ReportLine(holds, verdict)]
  }

  private func row(_ result: CampaignFaultResult) -> [String] {
    [
      result.fault.id, result.finding == nil ? "no" : "yes",
      result.finding?.discovery.map { Self.text($0.seconds) } ?? "-",
      result.finding?.discovery?.number.map(grouped) ?? "-",
      result.finding?.law.name ?? "-",
    ]
  }

  private func remarks(_ result: CampaignFaultResult) -> [String] {
    let needs = FaultBank.needs(result.fault.id, in: layout).map { "needs \($0)" }
    let problem = result.problem.map { "no campaign: \($0)" }
    let survived =
      result.finding == nil && result.problem == nil && result.fault.equivalence == nil
      ? "survives \(counted(result.judged, "case"))" : nil
    return [needs, problem, survived, result.sentence].compactMap(\.self)
  }

  /// The report as lines of a page in Markdown.
  public var markdown: [String] {
    [
      "`planted-faults --campaign \(configPath) --within \(seconds) --markdown`, \(configSummary):",
      "", "| fault | needs | seconds | case | law | what the diagnosis says |",
      "|---|---|--:|--:|---|---|",
    ]
      + results.map { result in
        let cells = row(result)
        let found = result.finding == nil ? "survives" : cells[2]
        let law = result.finding == nil ? "–" : "`\(cells[4])`"
        return
          "| `\(result.fault.id)` | \(FaultBank.needs(result.fault.id, in: layout) ?? "–") | \(found) | "
          + "\(cells[3]) | \(law) | \(Self.escaped(result.sentence ?? result.problem ?? "–")) |"
      } + ["", verdict + "."]
  }

  /// The members of the report's JSON document beside `schemaVersion`, `command` and `ok`.
  public var json: [(String, JSONValue)] {
    [
      ("campaign", .string(configPath)), ("configSummary", .string(configSummary)),
      ("within", JSONValue(seconds)), ("seed", JSONValue(seed)),
      ("faults", .array(results.map(json))),
      ("notApplicable", FaultReport.json(absent: absent)),
    ]
  }

  private func json(_ result: CampaignFaultResult) -> JSONValue {
    let finding = result.finding
    let optional = { (text: String?) in text.map { JSONValue.string($0) } ?? .null }
    return [
      "id": .string(result.fault.id),
      "needs": optional(FaultBank.needs(result.fault.id, in: layout)),
      "equivalent": optional(result.fault.equivalence), "ok": .bool(result.holds),
      "found": .bool(finding != nil), "problem": optional(result.problem),
      "judged": JSONValue(result.judged),
      "seconds": finding?.discovery.map { JSONValue($0.seconds) } ?? .null,
      "case": finding?.discovery?.number.map { JSONValue($0) } ?? .null,
      "phase": optional(finding?.discovery?.phase?.rawValue), "law": optional(finding?.law.name),
      "diagnosis": .array((finding?.diagnosis ?? []).map { .string($0) }),
      "token": optional(finding?.token),
    ]
  }

  private static func text(_ seconds: Double) -> String { "\((seconds * 10).rounded() / 10)" }

  private static func escaped(_ text: String) -> String {
    text.map { #"\*_<>[]#|`"#.contains($0) ? "\\\($0)" : "\($0)" }.joined()
  }
}

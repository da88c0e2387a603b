// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
public import Campaigns

/// What checks made of all planted faults of a family.
public struct FaultReport: Sendable {
  /// The family: `reference` or `nemo`.
  public let family: String
  /// How many checkpoints were checked at most for a fault and a seed.
  public let examples: Int
  /// How many seeds were tried.
  public let seeds: Int
  /// The results, in the order of the faults.
  public let results: [FaultResult]
  /// The name of the layout, if the faults are aimed at one.
  public var layout: String?
  /// The faults that have no place in the layout, and why.
  public var absent: [(fault: PlantedFault, reason: String)] = []
  /// What other checks noticed of the same faults, if that was measured.
  public var comparison: FaultComparison?

  /// Creates a report of a measurement's results.
  public init(family: String, examples: Int, seeds: Int, _ results: [FaultResult]) {
    self.family = family
    self.examples = examples
    self.seeds = seeds
    self.results = results
  }

  /// Whether every fault was noticed on all seeds, and nothing where there is no fault.
  public var holds: Bool { results.allSatisfy(\.holds) }

  /// The faults that a correct law can show.
  var faults: [FaultResult] { results.filter { $0.fault.equivalence == nil } }

  /// What planted faults say of a law.
  struct LawRow {
    let law: AdapterLaw
    /// Faults that it noticed.
    let noticed: Int
    /// Faults that it noticed first, being the first in the order of laws.
    let first: Int
    /// Faults that no other law noticed.
    let alone: [String]
  }

  var laws: [LawRow] {
    Laws.all.map { law in
      let noticed = faults.filter { $0.laws.contains(law.name) }
      return LawRow(
        law: law, noticed: noticed.count,
        first: faults.count { result in
          result.detections.contains { $0?.laws.first == law.name }
        },
        alone: noticed.filter { $0.laws == [law.name] }.map(\.fault.id))
    }
  }

  /// The median over all faults of the median of examples to the first kill.
  var medianOfMedians: Int? {
    let medians = faults.map { $0.median ?? .max }.sorted()
    return quantile(medians, of: medians.count, 50)
  }

  var named: [Bool] { faults.compactMap(\.isNamed) }
  var smallest: [Bool] { faults.compactMap(\.isSmallest) }
  var killed: Int { faults.count(where: \.holds) }

  /// The sentences that sum it up.
  var summary: [ReportLine] {
    let equivalent = results.count - faults.count
    let seedsInWords = seeds == 1 ? "1 seed" : "each of \(seeds) seeds"
    var lines: [ReportLine] = []
    if let layout, !absent.isEmpty {
      lines.append(
        ReportLine(
          nil,
          "\(faults.count) of \(counted(faults.count + absent.count, "fault")) have a place in layout "
            + layout))
    }
    lines += [
      ReportLine(
        killed == faults.count,
        "\(killed) of \(counted(faults.count, "fault")) noticed on \(seedsInWords) within "
          + counted(examples, "example"))
    ]
    if let medianOfMedians {
      lines.append(
        ReportLine(nil, "median over the faults of the median example: \(medianOfMedians)"))
    }
    for (share, words) in [
      (named, "named by the diagnosis"), (smallest, "shown by the smallest checkpoint there is"),
    ] where !share.isEmpty {
      let count = share.count { $0 }
      lines.append(
        ReportLine(nil, "\(count) of \(share.count) \(words) (\(count * 100 / share.count) %)"))
    }
    if equivalent > 0 {
      lines.append(
        ReportLine(nil, "\(counted(equivalent, "change")) that no law may notice"))
    }
    return lines
  }
}

extension FaultReport {
  /// The report as lines for a terminal.
  public var lines: [ReportLine] {
    let head = ["fault", "killed", "median", "p90", "named", "smallest", "  laws"]
    let rows = TextTable(
      rows: [head] + results.map(row)
    ).lines(indentation: 0)
    var lines = [ReportLine(nil, "  \(rows[0])")]
    for (result, row) in zip(results, rows.dropFirst()) {
      lines.append(ReportLine(result.holds, row))
      lines += remarks(result).map { ReportLine(nil, "    \($0)") }
    }
    return lines + Self.lines(absent: absent) + [""] + summary + [""] + lawLines
  }

  /// The faults that have no place in a layout, and why.
  static func lines(absent: [(fault: PlantedFault, reason: String)]) -> [ReportLine] {
    absent.map { ReportLine(nil, "  \($0.fault.id): not applicable: \($0.reason)") }
  }

  private func row(_ result: FaultResult) -> [String] {
    let words: (Bool?) -> String = { $0.map { $0 ? "yes" : "no" } ?? "-" }
    return [
      result.fault.id, "\(result.kills)/\(result.detections.count)",
      result.median.map { "\($0)" } ?? "-", result.ninetieth.map { "\($0)" } ?? "-",
      words(result.isNamed), words(result.isSmallest),
      result.laws.count == 1 ? result.laws.first ?? "" : "\(result.laws.count)",
    ]
  }

  /// What is not as it should be.
  func remarks(_ result: FaultResult) -> [String] {
    if let reason = result.fault.equivalence {
      return [
        result.kills == 0
          ? "equivalent: \(reason)"
          : "noticed by \(result.laws.sorted().joined(separator: ", ")), though said to be "
            + "equivalent: \(reason)"
      ]
    }
    var remarks: [String] = []
    if let problem = result.problem { remarks.append("not checked: \(problem)") }
    let survived = result.detections.indices.filter { result.detections[$0] == nil }
    if !survived.isEmpty {
      remarks.append("survives on seed \(survived.map(String.init).joined(separator: ", "))")
    }
    if let exhaustive = result.exhaustive,
      !FaultResult.shape(exhaustive, isAnyOf: result.fault.smallest ?? "")
    {
      remarks.append(
        "recorded wrongly: the smallest checkpoint is '\(exhaustive)', "
          + "not '\(result.fault.smallest ?? "")'")
    }
    guard let smallest = result.smallest else { return remarks }
    if result.isNamed == false {
      remarks.append("not named: \(smallest.law): \(smallest.diagnosis.joined(separator: " / "))")
    }
    if result.isSmallest == false {
      remarks.append(
        "not the smallest: expected '\(result.fault.smallest ?? "")', found '\(smallest.shape)'")
    }
    return remarks
  }

  private var lawLines: [ReportLine] {
    let rows = laws.map { row in
      [row.law.name, "\(row.noticed)", "\(row.first)", "\(row.alone.count)"]
    }
    return TextTable(rows: [["law", "noticed", "first", "alone"]] + rows).lines()
      .map { ReportLine(nil, $0) }
  }
}

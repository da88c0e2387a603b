// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What became of the mutants of a run.
public struct MutationReport: Sendable {
  /// The verdict on one mutant.
  struct Verdict: Sendable {
    /// What noticed it, or nil if nothing did.
    let stage: String?
    /// The law broken, or how the program ended.
    let detail: String
  }

  let mutants: [Mutant]
  let verdicts: [Int: Verdict]
  let dropped: Set<String>
  let explanations: [String: Explanation]
  /// Whether all mutants of all files were asked for, so that none is missing by wish.
  let isWhole: Bool

  /// Puts a report together; results are lines of number, stage and detail between tabs.
  public init(
    _ catalog: MutantCatalog, results: String, dropped: Set<String>, _ explanations: Explanations,
    isWhole: Bool
  ) {
    mutants = catalog.mutants
    self.dropped = dropped
    self.explanations = explanations.byKey
    self.isWhole = isWhole
    var verdicts: [Int: Verdict] = [:]
    for line in results.split(separator: "\n") {
      let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
      guard fields.count == 3, let number = Int(fields[0]), number > 0 else { continue }
      verdicts[number] = Verdict(
        stage: fields[1] == "survived" ? nil : String(fields[1]), detail: String(fields[2]))
    }
    self.verdicts = verdicts
  }

  var judged: [(number: Int, mutant: Mutant, verdict: Verdict)] {
    mutants.enumerated().compactMap { index, mutant in
      verdicts[index + 1].map { (index + 1, mutant, $0) }
    }
  }

  var survivors: [(number: Int, mutant: Mutant)] {
    judged.filter { $0.verdict.stage == nil }.map { ($0.number, $0.mutant) }
  }

  /// The numbers of the mutants that compile and have no verdict.
  var notRun: [Int] {
    mutants.indices.filter { verdicts[$0 + 1] == nil && !dropped.contains(mutants[$0].key) }
      .map { $0 + 1 }
  }

  /// What a reviewer must do before the report holds.
  public var problems: [String] {
    var problems = survivors.filter { explanations[$0.mutant.key] == nil }.map {
      "nothing notices mutant \($0.number), and nothing explains it: \($0.mutant.shown)\n"
        + "    \($0.mutant.key)"
    }
    for (number, mutant, verdict) in judged {
      guard let stage = verdict.stage, explanations[mutant.key] != nil else { continue }
      problems.append(
        "mutant \(number) is explained as a survivor, but \(stage) notices it:\n    \(mutant.key)")
    }
    guard isWhole else { return problems }
    let known = Set(mutants.map(\.key)).subtracting(dropped)
    for key in explanations.keys.sorted() where !known.contains(key) {
      problems.append("there is no such mutant to explain:\n    \(key)")
    }
    if let first = notRun.first {
      problems.append("\(notRun.count) mutants were not run, the first is \(first)")
    }
    return problems
  }

  /// A few lines for the screen.
  public var summary: String {
    let count = judged.count
    let droppedCount = mutants.count { dropped.contains($0.key) }
    return "\(count) mutants: \(count - survivors.count) noticed, \(survivors.count) not; "
      + "\(droppedCount) more do not compile\n"
      + table(of: \.stageName).map { "  \($0.name): \($0.total)" }.joined(separator: "\n")
  }

  func table(
    of name: ((mutant: Mutant, verdict: Verdict)) -> String
  ) -> [(name: String, total: Int, survivors: Int)] {
    var counts: [String: (Int, Int)] = [:]
    for (_, mutant, verdict) in judged {
      let key = name((mutant, verdict))
      counts[key, default: (0, 0)].0 += 1
      if verdict.stage == nil { counts[key, default: (0, 0)].1 += 1 }
    }
    return counts.map { ($0, $1.0, $1.1) }.sorted { ($1.1, $0.0) < ($0.1, $1.0) }
  }

  private func table(of path: KeyPath<Verdict, String>) -> [(name: String, total: Int)] {
    table { $0.verdict[keyPath: path] }.map { ($0.name, $0.total) }
  }
}

extension MutationReport.Verdict {
  /// What noticed the mutant, in words.
  var stageName: String { stage ?? "nothing" }
}

extension Mutant {
  /// One line for the screen.
  public var shown: String {
    "\(file):\(line) \(function): \(operation.rawValue): \(original) -> \(changed)"
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

extension MutationReport {
  /// The report as a page of the documentation.
  public var page: String {
    """
    # Faults planted in the adapter's source

    Made by `ci/mutate-source --write-page`; do not edit. Each mutant is one small mistake in one place of the
    adapter's source. All are compiled into one program in release, which an environment variable turns into any of
    them. A mutant is noticed if the program with it breaks a law, refuses what is valid, crashes or does not end
    under `hymt2 check`, `golden verify`, `verify` of a checkpoint that transformers wrote, `convert` of that there
    and back, `prove` on the published configs, or if a unit test of the mutated modules fails. It is credited to the
    first of them that notices it.

    The adapter is not alone in the program: the generator takes the list of a checkpoint's tensors and the check of
    configs from the adapter's module, so a mutant of `ModelSchema`, `LayerTensors` or `ModelConfig` changes both
    sides. The oracle shares no code with the adapter. Not mutated are texts of errors, hints of capacity,
    checks of a programmer's mistakes, and files that check rather than convert (`ci/mutate-source --list` names all).

    \(judged.count) mutants ran: \(judged.count - survivors.count) were noticed, \(survivors.count) were not, in \
    \(leastExamples) checkpoints. \(mutants.count { dropped.contains($0.key) }) more do not compile.\(notRunText)

    ## By what noticed them

    | what | mutants |
    |---|---:|
    \(rows(table { $0.verdict.stageName }.map { [$0.name, "\($0.total)"] }))

    | within `check`, law or end | mutants |
    |---|---:|
    \(rows(checkTable))

    ## By operator

    | operator | changes | mutants | not noticed |
    |---|---|---:|---:|
    \(rows(operatorTable))

    ## By file

    | file | mutants | not noticed |
    |---|---:|---:|
    \(rows(table { $0.mutant.file }.map { ["`\($0.name)`", "\($0.total)", "\($0.survivors)"] }))

    ## What nothing notices
    \(Explanation.Kind.allCases.map(section).joined())
    """
  }

  /// How many checkpoints were checked of the mutants that nothing notices.
  private var leastExamples: Int {
    survivors.compactMap { Int(verdicts[$0.number]?.detail.prefix(while: \.isNumber) ?? "") }.min()
      ?? 0
  }

  private var notRunText: String {
    notRun.isEmpty ? "" : "\n\(notRun.count) have not been run yet."
  }

  private var checkTable: [[String]] {
    table { $0.verdict.stage == "check" ? $0.verdict.detail : "" }
      .filter { !$0.name.isEmpty }.map { [$0.name, "\($0.total)"] }
  }

  private var operatorTable: [[String]] {
    let counts = table { $0.mutant.operation.rawValue }
    return MutationOperator.allCases.compactMap { operation in
      counts.first { $0.name == operation.rawValue }.map {
        [operation.rawValue, operation.statement, "\($0.total)", "\($0.survivors)"]
      }
    }
  }

  private func section(_ kind: Explanation.Kind) -> String {
    let entries = survivors.compactMap { _, mutant -> String? in
      guard let explanation = explanations[mutant.key], explanation.kind == kind else { return nil }
      let file = mutant.file.split(separator: "/").last.map(String.init) ?? mutant.file
      let change =
        mutant.operation == .removal
        ? "\(code(mutant.original)) left out"
        : "\(code(mutant.original)) → \(code(mutant.changed))"
      return "- `\(file):\(mutant.line)` \(mutant.operation.rawValue): \(change)  \n"
        + "  \(explanation.text)"
    }
    guard !entries.isEmpty else { return "" }
    return "\n### \(kind.heading) (\(entries.count))\n\n" + entries.joined(separator: "\n") + "\n"
  }

  /// Text as code, which may hold backquotes itself.
  private func code(_ text: String) -> String {
    text.contains("`") ? "`` \(text) ``" : "`\(text)`"
  }

  private func rows(_ rows: [[String]]) -> String {
    rows.map { "| " + $0.map(escaped).joined(separator: " | ") + " |" }.joined(separator: "\n")
  }

  private func escaped(_ cell: String) -> String {
    cell.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import Campaigns
import CheckpointGenerators
import ExternalAdapters
import Layouts
import StrictJSON
import Tensors

/// What an adapter in another process makes of a whole checkpoint.
struct AdapterComparison {
  private let name: String
  private let version: String?
  private let summary: LayerwiseVerification.Summary

  /// Has the adapter convert every layer; nil if none is chosen.
  init?(
    _ choice: AdapterChoice, _ setup: AdapterSetup, _ infos: [TensorInfo], _ console: Console,
    source: @escaping @Sendable (Int) throws -> Tensor
  ) throws {
    // Layers are large: no more of them at a time than were asked for.
    let children = choice.children ?? 1
    let parts = try LayerwiseVerification.Part.of(infos, setup.config.layout)
    let largest = parts.map(\.byteCount).max() ?? 0
    guard let adapter = try choice.external(children: children, largestPart: largest, console)
    else {
      return nil
    }
    let verification = LayerwiseVerification(adapter, setup, infos, parts)
    let total = parts.reduce(0) { $0.addingReportingOverflow($1.byteCount).partialValue }
    let progress = Progress("comparing with \(adapter.name)", total: total, in: .bytes, console)
    defer { progress.finish() }
    Interruption.watch()
    do {
      summary = try verification.run(threads: children, source: source) { progress.advance($0) }
    } catch is CancellationError {
      try Interruption.check()
      throw CancellationError()
    }
    name = adapter.name
    version = adapter.version
  }

  var holds: Bool { summary.loads.isEmpty && summary.saves.isEmpty }

  func print(to console: Console) {
    let subject = [name, version].compactMap(\.self).joined(separator: " ")
    let parts = "\(grouped(summary.partCount)) parts (each layer, and what is outside of layers)"
    for (disagreements, statement) in [
      (summary.loads, "loads \(parts) bit for bit"),
      (summary.saves, "saves \(parts) bit for bit"),
    ] {
      console.printVerdict(disagreements.isEmpty, "\(subject) \(statement)")
    }
    for sentence in summary.findings.sentences { console.print("  \(sentence)") }
    guard let first = summary.disagreements.first else { return }
    let others = summary.loads.isEmpty ? summary.saves.count : summary.loads.count
    console.print(
      "  for example \(first.part)"
        + (others > 1 ? ", and \(counted(others - 1, "more part"))" : ""))
    for line in first.lines { console.print("    \(line)") }
  }

  var json: JSONValue {
    [
      "name": .string(name), "version": version.map { .string($0) } ?? .null,
      "parts": JSONValue(summary.partCount),
      "findings": .array(summary.findings.first.map(\.json)),
      "otherFindings": JSONValue(summary.findings.others),
      "disagreements": .array(
        (summary.loads + summary.saves).map {
          [
            "part": .string($0.part), "step": .string($0.isSaving ? "when saving" : "when loading"),
            "lines": .array($0.lines.map { .string($0) }),
          ]
        }),
    ]
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import ArgumentParser
import Campaigns
import CheckpointGenerators
import Goldens
import Layouts
import StrictJSON

struct GoldenVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Run an adapter on every golden and compare it with upstream.",
    discussion: """
      Compares names and SHA-256 of all files with the manifest first. Then valid cases must come \
      out of both conversions as upstream made them, wrong results must break the law that their \
      case names, and invalid state dicts must be refused with the findings that theirs names. \
      Other adapters may refuse them in words of their own, or lose nothing; what is known of \
      them fails nothing. Writes nothing.

      Examples:
        hymt2 golden verify
        hymt2 golden verify --filter lora
        hymt2 golden verify --adapter "python3 my_adapter.py"
      """)

  @OptionGroup var set: GoldenSetArguments
  @OptionGroup var selection: GoldenFilterArguments

  @Option(help: ArgumentHelp("Only cases of this layout.", valueName: "name"))
  var layout: String?

  @OptionGroup var choice: AdapterChoice
  @OptionGroup var known: KnownArguments
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if let layout { try LayoutSource(layout).validate(native: nil) }
  }

  func run() throws {
    try runOrExit {
      let set = try GoldenSet(path: set.path)
      let entries = try set.entries(matching: selection.filter)
      let adapter = try choice.adapter(output.console)
      var space = CheckpointSpace()
      try space.restrict(to: adapter.supports)
      var known: [Layout: [KnownDivergence]] = [:]
      var result = GoldenVerification()
      var count = 0
      for entry in entries {
        let golden = try set.read(entry)
        let own = golden.description.setup.config.layout
        guard layout == nil || own.name == layout else { continue }
        count += 1
        if known[own] == nil {
          known[own] = try self.known.divergences(of: adapter, own, output.console)?.entries ?? []
        }
        if let axis = golden.axis(disallowedIn: space) {
          result.leftOut.append((entry.id, axis))
          continue
        }
        result.add(entry, golden.faults(of: adapter), known[own] ?? [])
      }
      guard count > 0 else {
        throw CommandError("there is no golden case of layout \(layout ?? "") among those chosen")
      }
      guard result.leftOut.count < count else {
        throw CommandError("\(adapter.name) supports none of the \(count) cases chosen")
      }
      result.print(fileCount: count, to: output.console)
      return result.holds
    }
  }
}

/// What became of the golden cases under an adapter.
private struct GoldenVerification {
  private var valid = 0
  private var invalid = 0
  private var faults: [(verdict: GoldenDescription.Verdict, fault: GoldenFault)] = []
  /// The faults of cases that a known divergence has.
  private var known: [(divergence: String, fault: GoldenFault)] = []
  /// The cases that a known divergence has and the adapter agrees with.
  private var vanished: [(divergence: String, id: String)] = []
  /// The cases that the adapter does not support, each with the axis on which it does not.
  var leftOut: [(id: String, axis: ConfigAxis)] = []

  var holds: Bool { faults.isEmpty }

  mutating func add(
    _ entry: GoldenManifest.Entry, _ found: [GoldenFault], _ divergences: [KnownDivergence]
  ) {
    if entry.verdict == .valid { valid += 1 } else { invalid += 1 }
    if let divergence = divergences.first(where: { $0.goldens.contains(entry.id) }) {
      known += found.map { (divergence.id, $0) }
      if found.isEmpty { vanished.append((divergence.id, entry.id)) }
    } else {
      faults += found.map { (entry.verdict, $0) }
    }
  }

  func print(fileCount: Int, to console: Console) {
    console.printVerdict(true, "\(grouped(fileCount)) files are whole")
    for (verdict, count, line) in [
      (GoldenDescription.Verdict.valid, valid, "cases come out as upstream has them"),
      (.invalid, invalid, "wrong results and invalid state dicts are noticed"),
    ] where count > 0 {
      let concerned = faults.filter { $0.verdict == verdict }
      console.printVerdict(concerned.isEmpty, "\(grouped(count)) \(line)")
      for (_, fault) in concerned { console.print("  \(fault)") }
    }
    let divergences = Dictionary(grouping: known, by: \.divergence).sorted { $0.key < $1.key }
    if !divergences.isEmpty { console.print("known, and no failure") }
    for (divergence, known) in divergences {
      let ids = known.map(\.fault.id)
      let cases = ids.enumerated().filter { !ids[..<$0.offset].contains($0.element) }.map(\.element)
      console.print("  \(divergence): \(cases.joined(separator: ", "))")
    }
    for (divergence, id) in vanished {
      console.print("no longer seen: \(divergence) in \(id)")
    }
    if !leftOut.isEmpty {
      console.print(
        "\(grouped(leftOut.count)) cases left out, because the adapter says that it "
          + "does not support them")
    }
    console.printDocument("golden verify", holds: holds, document)
  }

  private var document: JSONObject {
    [
      "valid": JSONValue(valid), "invalid": JSONValue(invalid),
      "faults": .array(faults.map { .object(Self.members($0.fault)) }),
      "known": .array(
        known.map { known in
          var members = Self.members(known.fault)
          members["divergence"] = .string(known.divergence)
          return .object(members)
        }),
      "vanished": .array(
        vanished.map { ["divergence": .string($0.divergence), "case": .string($0.id)] }),
      "leftOut": .array(leftOut.map { ["case": .string($0.id), "axis": .string($0.axis.name)] }),
    ]
  }

  private static func members(_ fault: GoldenFault) -> JSONObject {
    [
      "case": .string(fault.id), "question": .string(fault.question.rawValue),
      "summary": .string(fault.summary),
    ]
  }
}

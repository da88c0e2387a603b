// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import ArgumentParser
import Campaigns
import CheckpointGenerators
import ExternalAdapters
import Goldens
import Layouts
import StrictJSON

struct GoldenVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Run an adapter on the golden files and compare it with upstream.",
    discussion: """
      Compares names and SHA-256 of the files with the manifest first. Then a valid case must be \
      converted both ways as upstream does it, a wrong result must break the law that its case \
      names, and an invalid state dict must be refused with the findings that its case names. \
      Other adapters may refuse it in words of their own, or lose nothing; known divergences do \
      not fail the run. Failures of one cause are one entry. Writes nothing.

      Examples:
        hymt2 golden verify
        hymt2 golden verify --filter lora
        hymt2 golden verify --only refused --limit 10
        hymt2 golden verify --adapter "python3 my_adapter.py"
      """)

  @OptionGroup var set: GoldenSetArguments
  @OptionGroup var selection: GoldenFilterArguments

  @Option(help: ArgumentHelp("Only cases of this layout.", valueName: "name"))
  var layout: String?

  @Option(
    help: ArgumentHelp(
      "Only valid cases, wrong results or refused state dicts.", valueName: "valid|wrong|refused"),
    transform: word)
  var only: GoldenDescription.Kind?

  @Option(help: ArgumentHelp("Check no more cases than this.", valueName: "n"))
  var limit: Int?

  @OptionGroup var choice: AdapterChoice
  @OptionGroup var known: KnownArguments
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if let layout { try LayoutSource(layout).validate(native: nil) }
    try require("--limit", limit, in: 1...1_000_000)
  }

  func run() throws {
    try runOrExit {
      let set = try set.open()
      let entries = try set.entries(matching: selection.filter)
      let adapter = try choice.adapter(output.console)
      let layout =
        layout.map { LayoutSource($0).name } ?? (adapter as? ExternalAdapter)?.layout
      var space = CheckpointSpace()
      try space.restrict(to: adapter.supports)
      var known: [Layout: [KnownDivergence]] = [:]
      var result = GoldenVerification()
      var count = 0
      for entry in entries where count < limit ?? .max {
        let golden = try set.read(entry)
        let own = golden.description.setup.config.layout
        guard layout == nil || own.name == layout, only == nil || golden.description.kind == only
        else { continue }
        count += 1
        if known[own] == nil {
          known[own] = try self.known.divergences(of: adapter, own, output.console)?.entries ?? []
        }
        if let axis = golden.axis(disallowedIn: space) {
          result.leftOut.append((entry.id, axis))
          continue
        }
        result.add(golden.description, golden.faults(of: adapter), known[own] ?? [])
      }
      guard count > 0 else {
        let wanted = [only?.rawValue, layout.map { "of layout \($0)" }].compactMap(\.self)
        throw CommandError(
          "no golden case chosen is \(wanted.joined(separator: " and ")); "
            + "'hymt2 golden list' has all cases")
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
  private typealias Kind = GoldenDescription.Kind

  private var counts: [Kind: Int] = [:]
  private var faults: [(kind: Kind, fault: GoldenFault)] = []
  /// The faults of cases that a known divergence has.
  private var known: [(divergence: String, fault: GoldenFault)] = []
  /// The cases that a known divergence has and the adapter agrees with.
  private var vanished: [(divergence: String, id: String)] = []
  /// The cases that the adapter does not support, each with the axis on which it does not.
  var leftOut: [(id: String, axis: ConfigAxis)] = []

  /// Faults of one cause, in the order in which they were found.
  private struct FaultGroup {
    var faults: [GoldenFault]

    var questions: [String] { faults.map(\.question.rawValue).unique }
    var cases: [String] { faults.map(\.id).unique }
  }

  var holds: Bool { faults.isEmpty }

  mutating func add(
    _ golden: GoldenDescription, _ found: [GoldenFault], _ divergences: [KnownDivergence]
  ) {
    counts[golden.kind, default: 0] += 1
    if let divergence = divergences.first(where: { $0.goldens.contains(golden.id) }) {
      known += found.map { (divergence.id, $0) }
      if found.isEmpty { vanished.append((divergence.id, golden.id)) }
    } else {
      faults += found.map { (golden.kind, $0) }
    }
  }

  private func causes(of kind: Kind) -> [FaultGroup] {
    var causes: [FaultGroup] = []
    for (_, fault) in faults.filter({ $0.kind == kind }) {
      if let place = causes.firstIndex(where: { $0.faults[0].cause == fault.cause }) {
        causes[place].faults.append(fault)
      } else {
        causes.append(FaultGroup(faults: [fault]))
      }
    }
    return causes
  }

  func print(fileCount: Int, to console: Console) {
    console.printVerdict(true, "\(counted(fileCount, "file")) whole")
    for kind in Kind.allCases {
      guard let count = counts[kind] else { continue }
      let causes = causes(of: kind)
      let failed = causes.flatMap(\.cases).unique.count
      console.printVerdict(
        failed == 0,
        failed == 0
          ? "\(counted(count, kind.subject)) \(kind.success)"
          : "\(grouped(failed)) of \(counted(count, kind.subject)) failed, for "
            + counted(causes.count, "cause"))
      for cause in causes {
        console.print("  \(cause.questions.joined(separator: ", ")): \(cause.faults[0].summary)")
        console.print("    in \(counted(cause.cases.count, "case")): \(Self.some(cause.cases))")
      }
    }
    let divergences = known.map(\.divergence).unique.sorted()
    if !divergences.isEmpty { console.print("known, and no failure") }
    for divergence in divergences {
      let cases = known.filter { $0.divergence == divergence }.map(\.fault.id).unique
      console.print("  \(divergence): \(cases.joined(separator: ", "))")
    }
    for (divergence, id) in vanished {
      console.print("no longer seen: \(divergence) in \(id)")
    }
    if !leftOut.isEmpty {
      console.print(
        "\(counted(leftOut.count, "case")) left out, because the adapter says that it "
          + "does not support them")
    }
    console.printDocument("golden verify", holds: holds, document)
  }

  /// The first few names, and how many others there are.
  private static func some(_ names: [String]) -> String {
    let shown = 5
    return names.prefix(shown).joined(separator: ", ")
      + (names.count > shown ? " and \(grouped(names.count - shown)) more" : "")
  }

  private var document: JSONObject {
    let members: JSONObject = [
      "faults": .array(faults.map { .object(Self.members($0.fault)) }),
      "causes": .array(
        Kind.allCases.flatMap(causes).map { cause in
          [
            "questions": .array(cause.questions.map { .string($0) }),
            "summary": .string(cause.faults[0].summary),
            "cases": .array(cause.cases.map { .string($0) }),
          ]
        }),
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
    return JSONObject(Kind.allCases.map { ($0.rawValue, JSONValue(counts[$0] ?? 0)) }) + members
  }

  private static func members(_ fault: GoldenFault) -> JSONObject {
    [
      "case": .string(fault.id), "question": .string(fault.question.rawValue),
      "summary": .string(fault.summary), "findings": .array(fault.findings.map(\.json)),
    ]
  }
}

extension GoldenDescription.Kind {
  fileprivate var subject: String {
    switch self {
    case .valid: "valid case"
    case .wrong: "wrong result"
    case .refused: "invalid state dict"
    }
  }

  fileprivate var success: String {
    switch self {
    case .valid: "converted as upstream does"
    case .wrong: "noticed"
    case .refused: "refused, or converted without loss"
    }
  }
}

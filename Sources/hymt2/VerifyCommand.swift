// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import ArgumentParser
import Campaigns
import CheckpointGenerators
import Layouts
import Safetensors
import StrictJSON
import Tensors

/// `hymt2 verify`.
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check a checkpoint folder: files, keys, shapes, plan, and every expert's data.",
    discussion: """
      Maps the folder's files into memory, plans both conversions, proves the plans, and \
      round-trips every expert, comparing bits. With --adapter, that adapter then converts the \
      checkpoint layer by layer, and its results are compared with those of the proven plan: bits \
      and the order of keys.

      Examples:
        hymt2 verify Hy-MT2-30B-A3B
        hymt2 verify Hy3 --adapter "python3 my_adapter.py" --adapter-memory 24GiB
        hymt2 verify --synthetic --config Generators/configs/hy-mt2-30b-a3b.json
      """)

  @Argument(help: "The checkpoint folder.")
  var folder: String?

  @Flag(help: "Use made-up data for the whole model of --config instead of a folder.")
  var synthetic = false

  @Option(help: "The config.json for --synthetic, or of an adapter's base model.")
  var config: String?

  @Option(
    help: "Multi-token prediction layers: preserve, or drop where the folder lacks them.",
    transform: word)
  var mtp = MTPPolicy.preserve

  @Flag(help: "Element types that are not the layout's are errors.")
  var strict = false

  @Flag(help: "Check index, headers, config and layout only; read no data.")
  var headersOnly = false

  @OptionGroup var layout: LayoutArguments
  @OptionGroup var adapter: AdapterArguments
  @OptionGroup var reading: ReadingArguments
  @OptionGroup var choice: AdapterChoice
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if synthetic {
      guard folder == nil, config != nil else {
        throw ValidationError("--synthetic goes with --config FILE and without a folder")
      }
    } else if folder == nil {
      throw ValidationError("name a checkpoint folder, or give --synthetic --config FILE")
    }
    if headersOnly && (synthetic || choice.command != nil) {
      throw ValidationError("--headers-only reads no data, which --synthetic and --adapter need")
    }
  }

  func run() throws {
    try runOrExit {
      if synthetic, let config {
        let planner = try adapter.planner(try layout.config(fileAt: config), mtp: mtp)
        let (infos, memory) = (planner.schema, WarmMemory(mostByteCount: 64 << 20))
        return try verify(planner, infos) { try SyntheticTensor.make(infos[$0], memory: memory) }
      }
      let folder = try layout.folder(
        folder ?? "", config: config, headersOnly ? .read : reading.access)
      let planner = try adapter.planner(try layout.config(of: folder), mtp: mtp)
      let peft = try PeftAdapter(folder, planner)
      let names = folder.infos.map(\.name)
      return try verify(peft.planner, peft.infos, shardCount: folder.shards.count) {
        try folder.presentTensor(named: names[$0])
      }
    }
  }

  private func verify(
    _ planner: AdapterPlanner, _ infos: [TensorInfo], shardCount: Int? = nil,
    source: @escaping @Sendable (Int) throws -> Tensor
  ) throws -> Bool {
    if headersOnly { return try verifyHeaders(planner, infos, shardCount: shardCount) }
    let verification = try Verification(
      planner, infos, isStrict: strict, output.console, source: source)
    let comparison =
      verification.holds
      ? try AdapterComparison(
        choice, AdapterSetup(planner.config, planner.options), infos, output.console,
        source: source)
      : nil
    return verification.report(to: output.console, shardCount: shardCount, comparison)
  }
}

extension VerifyCommand {
  private func verifyHeaders(
    _ planner: AdapterPlanner, _ infos: [TensorInfo], shardCount: Int?
  ) throws -> Bool {
    let (console, totals) = (output.console, try TensorTotals(infos))
    // Planning finds whatever names and shapes can tell.
    _ = try planner.fromHF(infos)
    let types = TypeCheck(planner, infos, isStrict: strict)
    console.printFiles(shardCount)
    types.print(to: console)
    console.print("  no data were read")
    totals.print(to: console)
    console.printDocument(
      "verify", holds: types.holds,
      planner.config.layout.members + totals.json + [
        "status": types.status(holds: types.holds), "types": types.json, "headersOnly": true,
      ])
    return types.holds
  }
}

extension Console {
  /// Says that files, keys and shapes are right.
  fileprivate func printFiles(_ shardCount: Int?) {
    if let shardCount {
      printVerdict(
        true,
        shardCount == 1
          ? "the file is whole"
          : "\(grouped(shardCount)) files are whole and agree with the index")
    }
    printVerdict(true, "every tensor of the config is there with its shape")
  }
}

extension CheckpointFolder {
  /// A tensor that was there when the folder was opened.
  func presentTensor(named name: TensorName, elements: Range<Int>? = nil) throws -> Tensor {
    guard let tensor = try read(name, elements: elements) else {
      throw CommandError("the tensor '\(name)' has gone from '\(path)'")
    }
    return tensor
  }
}

/// The laws that a whole checkpoint is held to.
private struct Verification {
  private let layout: Layout
  private let totals: TensorTotals
  private let proof: PlanProof
  /// What became of the data, nil if the plan is refuted.
  private let data: CheckpointVerifier.Summary?
  /// The type that experts are cast to on the way, nil if they keep theirs.
  private let castType: DType?
  private let types: TypeCheck

  init(
    _ planner: AdapterPlanner, _ infos: [TensorInfo], isStrict: Bool, _ console: Console,
    source: @escaping @Sendable (Int) throws -> Tensor
  ) throws {
    types = TypeCheck(planner, infos, isStrict: isStrict)
    layout = planner.config.layout
    totals = try TensorTotals(infos)
    let forward = try planner.fromHF(infos)
    let backward = try planner.toHF(forward.destinations)
    proof = try planner.proof(forward, backward)
    let casts = forward.moves.contains {
      forward.sources[$0.source].dtype != forward.destinations[$0.destination].dtype
    }
    castType = casts ? layout.target(planner.options.targetDType) : nil
    guard proof.holds else {
      data = nil
      return
    }
    let verifier = CheckpointVerifier(
      forward: forward, backward: backward, config: planner.config)
    let progress = Progress("verifying", total: totals.byteCount, in: .bytes, console)
    defer { progress.finish() }
    data = try verifier.run(source: source) { progress.advance($0) }
  }

  var holds: Bool { proof.holds && data?.disagreements.isEmpty == true && types.holds }

  /// Writes the result and returns whether everything holds.
  func report(
    to console: Console, shardCount: Int? = nil, _ comparison: AdapterComparison? = nil
  ) -> Bool {
    console.printFiles(shardCount)
    types.print(to: console)
    for law in PlanProof.Law.allCases {
      let faults = proof.faults.filter { $0.law == law }
      console.printVerdict(faults.isEmpty, law.statement)
      for fault in faults { console.print("  \(fault)") }
    }
    if let data { report(data, to: console) }
    comparison?.print(to: console)
    totals.print(to: console)
    let disagreements = data?.disagreements ?? []
    let holds = holds && comparison?.holds != false
    console.printDocument(
      "verify", holds: holds,
      layout.members + totals.json + [
        "status": types.status(holds: holds), "types": types.json,
        "expertTensors": JSONValue(data?.expertTensorCount ?? 0),
        "expertBytes": JSONValue(data?.expertByteCount ?? 0),
        "castTo": castType.map { .string($0.rawValue) } ?? .null,
        "sampledElements": JSONValue(data?.sampledElementCount ?? 0),
        "faults": .array(proof.faults.map { .string($0.description) }),
        "disagreements": .array(disagreements.map { .string($0.description) }),
        "adapter": comparison?.json ?? .null,
      ])
    return holds
  }

  private func report(_ data: CheckpointVerifier.Summary, to console: Console) {
    console.printVerdict(
      !data.disagreements.contains { $0.law == .placed },
      "\(grouped(data.sampledElementCount)) elements of experts are where the formula says")
    console.printVerdict(
      !data.disagreements.contains { $0.law == .returned },
      "\(grouped(data.expertTensorCount)) expert tensors (\(byteText(data.expertByteCount))) "
        + "round-trip bit for bit"
        + (castType.map { ", cast to \($0)" } ?? ""))
    for disagreement in data.disagreements { console.print("  \(disagreement)") }
  }
}

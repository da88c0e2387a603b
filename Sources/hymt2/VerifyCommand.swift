// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import ArgumentParser
import Safetensors
import StrictJSON
import Tensors

/// `hymt2 verify`.
struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check a checkpoint folder: files, keys, shapes, plan, and every expert's data.",
    discussion: """
      Reads the folder's files without copying them, plans both conversions for what is there,
      proves the plans, and takes every expert to native form and back, comparing bits.

      Examples:
        hymt2 verify Hy-MT2-30B-A3B
        hymt2 verify --synthetic --config Generators/configs/hy-mt2-30b-a3b.json
      """)

  @Argument(help: "The checkpoint folder.")
  var folder: String?

  @Flag(help: "Use made-up data for the whole model of --config instead of a folder.")
  var synthetic = false

  @Option(help: "The config.json for --synthetic.")
  var config: String?

  @OptionGroup var adapter: AdapterArguments
  @OptionGroup var output: OutputOptions

  func validate() throws {
    if synthetic {
      guard folder == nil, config != nil else {
        throw ValidationError("--synthetic goes with --config FILE and without a folder")
      }
    } else if folder == nil || config != nil {
      throw ValidationError("name a checkpoint folder, or give --synthetic --config FILE")
    }
  }

  func run() throws {
    try runOrExit {
      if let path = config {
        let config = try ModelConfig(fileAt: path)
        let planner = planner(config)
        let infos = planner.schema
        return try Verification(planner, infos, output.console).run { source in
          try SyntheticTensor.make(infos[source])
        }
      }
      let folder = try CheckpointFolder(path: folder ?? "")
      let planner = planner(try ModelConfig(configOf: folder))
      let infos = folder.infos
      output.console.printVerdict(
        true, "\(countText(folder.shards.count)) files are whole and agree with the index")
      return try Verification(planner, infos, output.console).run { source in
        guard let tensor = folder.tensor(named: infos[source].name) else {
          throw CommandError("the tensor '\(infos[source].name)' has gone")
        }
        return tensor
      }
    }
  }

  private func planner(_ config: ModelConfig) -> AdapterPlanner {
    AdapterPlanner(config, adapter.options(targetDType: config.dtype, mtp: .preserve))
  }
}

/// The laws that a whole checkpoint is held to.
private struct Verification {
  private let planner: AdapterPlanner
  private let infos: [TensorInfo]
  private let console: Console

  init(_ planner: AdapterPlanner, _ infos: [TensorInfo], _ console: Console) {
    self.planner = planner
    self.infos = infos
    self.console = console
  }

  func run(source: @escaping @Sendable (Int) throws -> Tensor) throws -> Bool {
    let totals = try TensorTotals(infos)
    let forward = try planner.fromHF(infos)
    console.printVerdict(true, "every tensor of the config is there with its shape")
    let backward = try planner.toHF(forward.destinations)
    let proof = PlanProof(forward: forward, backward: backward, config: planner.config)
    for law in PlanProof.Law.allCases {
      let faults = proof.faults.filter { $0.law == law }
      console.printVerdict(faults.isEmpty, law.statement)
      for fault in faults { console.print("  \(fault)") }
    }
    let data = try proof.holds ? checkData(forward, backward, totals, source) : nil
    let holds = proof.holds && data?.disagreements.isEmpty == true
    totals.print(to: console)
    console.printDocument(
      "verify", holds: holds,
      totals.json + [
        ("expertTensors", JSONValue(data?.expertTensorCount ?? 0)),
        ("expertBytes", JSONValue(data?.expertByteCount ?? 0)),
        ("sampledElements", JSONValue(data?.sampledElementCount ?? 0)),
        ("faults", .array(proof.faults.map { .string($0.description) })),
        (
          "disagreements",
          .array((data?.disagreements ?? []).map { .string($0.description) })
        ),
      ])
    return holds
  }

  private func checkData(
    _ forward: ConversionPlan, _ backward: ConversionPlan, _ totals: TensorTotals,
    _ source: @escaping @Sendable (Int) throws -> Tensor
  ) throws -> CheckpointVerifier.Summary {
    let verifier = CheckpointVerifier(
      forward: forward, backward: backward, config: planner.config)
    let progress = Progress("verifying", totalByteCount: totals.byteCount, console)
    let summary = try verifier.run(source: source) { progress.advance($0) }
    progress.finish()
    console.printVerdict(
      !summary.disagreements.contains { $0.law == .placed },
      "\(countText(summary.sampledElementCount)) elements of experts are where the formula says")
    console.printVerdict(
      !summary.disagreements.contains { $0.law == .returned },
      "\(countText(summary.expertTensorCount)) expert tensors "
        + "(\(byteText(summary.expertByteCount))) go to native form and back bit for bit")
    for disagreement in summary.disagreements { console.print("  \(disagreement)") }
    return summary
  }
}

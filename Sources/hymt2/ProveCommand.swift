// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import ArgumentParser
import Campaigns
import Layouts
import StrictJSON
import Tensors

/// `hymt2 prove`.
struct ProveCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prove",
    abstract: "Prove the conversion plan of a config at full size, without data.",
    usage: "hymt2 prove --config <file> [<options>]",
    discussion: """
      Plans the conversion to native form and back for every tensor of the config, and proves \
      that every element is written once, read once and in its place, and that converting back \
      restores it.

      Examples:
        hymt2 prove --config Generators/configs/hy3.json
        hymt2 prove --config config.json --ep-size 8 --json
      """)

  @Option(help: "The config.json of a model.")
  var config: String

  @Option(help: "Prove the plan of each rank of an expert-parallel group of this size, too.")
  var epSize: Int?

  @OptionGroup var layout: LayoutArguments
  @OptionGroup var adapter: AdapterArguments
  @OptionGroup var output: OutputOptions

  func validate() throws {
    try require("--ep-size", epSize, in: 1...65_536)
  }

  func run() throws {
    try runOrExit {
      let planner = try adapter.planner(try layout.config(fileAt: config))
      return try Proof(planner, epSize: epSize).report(to: output.console)
    }
  }
}

/// The proofs of a config: one of the whole, and one for each rank where asked for.
struct Proof {
  private let config: ModelConfig
  private let totals: TensorTotals
  private let epSize: Int?
  private let whole: PlanProof
  private var ranks: [PlanProof] = []
  private let duration: Duration

  init(_ planner: AdapterPlanner, epSize: Int?) throws {
    let start = ContinuousClock.now
    config = planner.config
    self.epSize = epSize
    totals = try TensorTotals(planner.schema)
    whole = try Self.prove(planner, nil)
    if let epSize {
      // Ranks after the last expert own none, and one of them speaks for all.
      for rank in 0..<min(epSize, config.expertCount + 1) {
        let rank = try ExpertParallelism(rank: rank, size: epSize)
        ranks.append(try Self.prove(planner, rank))
      }
    }
    duration = .now - start
  }

  private static func prove(
    _ planner: AdapterPlanner, _ rank: ExpertParallelism?
  ) throws -> PlanProof {
    let forward = try planner.fromHF(planner.schema, expertParallelism: rank)
    let backward = try planner.toHF(forward.destinations, expertParallelism: rank)
    return PlanProof(
      forward: forward, backward: backward, config: planner.config, parallelism: rank)
  }

  /// The faults of all proofs, each with the rank it was found in.
  private var faults: [(rank: Int?, fault: PlanFault)] {
    whole.faults.map { (nil, $0) }
      + ranks.enumerated().flatMap { rank, proof in proof.faults.map { (rank, $0) } }
  }

  /// Writes the result and returns whether everything is proven.
  func report(to console: Console) -> Bool {
    let holds = faults.isEmpty
    let dense = config.layerKinds.count { $0 == .dense }
    console.print(
      "\(config.hiddenLayerCount) layers (\(dense) dense), \(config.mtpLayerCount) MTP layers, "
        + "\(config.expertCount) experts of \(config.hiddenSize) x \(config.moeIntermediateSize)")
    totals.print(to: console)
    for law in PlanProof.Law.allCases {
      console.printVerdict(!faults.contains { $0.fault.law == law }, law.statement)
    }
    if !ranks.isEmpty {
      console.printVerdict(
        ranks.allSatisfy(\.holds), "the same holds for each of \(epSize ?? 0) expert-parallel ranks"
      )
    }
    for (rank, fault) in faults {
      console.print("  " + (rank.map { "rank \($0): " } ?? "") + fault.description)
    }
    console.print(
      "\(holds ? "proven" : "refuted"): \(grouped(whole.movedElementCount)) elements in "
        + "\(grouped(whole.moveCount)) moves, in \(duration.secondsText)")
    console.printDocument(
      "prove", holds: holds,
      config.layout.members + totals.json + [
        "laws": lawsJSON, "faults": .array(faults.map(Self.json)),
        "movedElements": JSONValue(whole.movedElementCount), "moves": JSONValue(whole.moveCount),
        "ranks": JSONValue(epSize ?? 0),
      ])
    return holds
  }

  private var lawsJSON: JSONValue {
    .array(
      PlanProof.Law.allCases.map { law in
        [
          "name": .string(law.rawValue), "statement": .string(law.statement),
          "holds": .bool(!faults.contains { $0.fault.law == law }),
        ]
      })
  }

  private static func json(_ rank: Int?, _ fault: PlanFault) -> JSONValue {
    [
      "rank": rank.map { JSONValue($0) } ?? .null, "kind": .string(fault.kind.rawValue),
      "tensor": .string(fault.tensor.text), "region": .string(fault.region.description),
      "detail": .string(fault.detail),
    ]
  }
}

extension ModelConfig {
  /// Reads a config file, by a layout or by that of its `model_type`.
  init(fileAt path: String, layout: Layout? = nil) throws {
    let storage = try TensorStorage.mapping(path)
    do {
      try self.init(jsonText: storage.bytes, layout: layout)
    } catch {
      throw CommandError("\(path): \(error)")
    }
  }
}

/// A failure with the sentence that says it.
struct CommandError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}

extension Duration {
  /// The seconds, such as `0.58 s`.
  var secondsText: String {
    let hundredths = (self / .milliseconds(10)).rounded()
    let whole = Int(hundredths) / 100
    let rest = Int(hundredths) % 100
    return "\(whole).\(rest < 10 ? "0" : "")\(rest) s"
  }
}

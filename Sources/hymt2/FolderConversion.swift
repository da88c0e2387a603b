// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Campaigns
import Layouts
import Safetensors
import StrictJSON
import Tensors

/// The conversion of one checkpoint folder into another.
struct FolderConversion {
  private let folder: CheckpointFolder
  private let peft: PeftAdapter
  private let planner: AdapterPlanner
  private let parallelism: ExpertParallelism?
  private let console: Console
  /// The names of the sources of plans.
  private let names: [TensorName]

  init(
    folder: CheckpointFolder, planner: AdapterPlanner, parallelism: ExpertParallelism?,
    console: Console
  ) throws {
    self.folder = folder
    peft = try PeftAdapter(folder, planner)
    self.planner = peft.planner
    self.parallelism = parallelism
    self.console = console
    names = folder.infos.map(\.name)
  }

  private static let largestShardByteCount = 5_000_000_000

  /// Plans the conversion and proves the plan, where converting back is defined.
  func plan(to target: ConvertCommand.Target, excluding exclusion: String) throws -> ConversionPlan
  {
    let infos = peft.infos
    let isFused = planner.hasFusedFactors(infos)
    if target == .native || isFused {
      let plan = try planner.fromHF(infos, expertParallelism: parallelism)
      var back = try planner.toHF(plan.destinations, expertParallelism: parallelism)
      try prove(plan, back)
      guard target == .hf else {
        report(plan)
        return plan
      }
      if !exclusion.isEmpty {
        back = try planner.toHF(
          plan.destinations, excluding: ExclusionPattern(exclusion), expertParallelism: parallelism)
      }
      report(back)
      return plan.followed(by: back)
    }
    let plan = try planner.toHF(
      infos, excluding: ExclusionPattern(exclusion), expertParallelism: parallelism)
    // A part of a checkpoint has no way to native form of its own.
    if parallelism == nil && exclusion.isEmpty {
      var options = planner.options
      options.mtpPolicy = .preserve
      // The layers that loading has dropped are still in the config.
      options.completeness = .presentGroups
      try prove(AdapterPlanner(planner.config, options).fromHF(plan.destinations), plan)
    }
    report(plan)
    return plan
  }

  private func prove(_ forward: ConversionPlan, _ backward: ConversionPlan) throws {
    let proof = try planner.proof(forward, backward, parallelism: parallelism)
    guard proof.holds else {
      let faults = proof.faults.map { "\n  \($0)" }.joined()
      throw CommandError("the plan is refuted, nothing is written:" + faults)
    }
  }

  private func report(_ plan: ConversionPlan) {
    var counts: [(text: String, count: Int)] = [
      ("of MTP layers dropped (--mtp preserve keeps them)", 0), ("of other ranks' experts", 0),
      ("left out or shortened by --exclude", 0),
    ]
    for omission in plan.omissions {
      switch omission.reason {
      case .mtpLayer: counts[0].count += 1
      case .otherRank: counts[1].count += 1
      case .excluded: counts[2].count += 1
      case .repeats, .padding: break
      }
    }
    for (text, count) in counts where count > 0 {
      console.note("\(grouped(count)) tensors \(text)")
    }
  }

  /// Carries the plan out into a new folder.
  func write(
    _ plan: ConversionPlan, to path: String, memory: Int?, maxShardSize: Int?
  ) throws {
    let files = try files(of: plan, maxShardSize)
    let casts = try PlannedCasts(plan, console) { [folder, names] source in
      try folder.presentTensor(named: names[source])
    }
    casts.announce(to: console)
    let totals = try TensorTotals(plan.destinations)
    let writer = try CheckpointFolderWriter(
      path: path, plan: files.plan, indexMetadata: files.indexMetadata)
    let carried = CarriedFiles(of: folder)
    carried.report(to: console)
    for name in carried.taken {
      if let text = plan.direction == .toHF ? try peft.config(name, of: plan) : nil {
        try writer.add(text, named: name)
      } else {
        try writer.add(copyOf: "\(folder.path)/\(name)", named: name)
      }
    }
    if plan.direction == .fromHF && !peft.isAdapter {
      try writer.add(
        ConversionRecord(source: folder, parallelism, planner.options).json,
        named: ConversionRecord.fileName)
    }
    let streamer = PlanStreamer(plan, of: folder, memory: memory, console)
    try stream(streamer, of: plan, to: writer, totals.byteCount)
    try Interruption.check()
    try writer.finish()
    let fileCount = files.plan.shards.count
    console.print("\(path): \(grouped(fileCount)) \(fileCount == 1 ? "file" : "files")")
    totals.print(to: console)
    casts.print(to: console)
    console.printDocument(
      "convert", holds: true,
      planner.config.layout.members + totals.json + [
        "output": .string(path), "files": JSONValue(fileCount),
        "omitted": JSONValue(plan.omissions.count), "casts": casts.json,
        "left": .array(carried.left.map { .string($0) }),
      ])
  }

  private func stream(
    _ streamer: PlanStreamer, of plan: ConversionPlan, to writer: CheckpointFolderWriter,
    _ totalByteCount: Int
  ) throws {
    let progress = Progress("converting", total: totalByteCount, in: .bytes, console)
    defer { progress.finish() }
    let (folder, names) = (folder, names)
    try streamer.run { source, elements in
      try Interruption.check()
      return try folder.presentTensor(named: names[source], elements: elements)
    } into: { destination, byteOffset, bytes in
      try writer.write(
        bytes, of: plan.destinations[destination].name, atByteOffset: byteOffset)
      progress.advance(bytes.byteCount)
    }
  }

  /// The files to write: those that the checkpoint came from, if its tensors are all there again.
  private func files(
    of plan: ConversionPlan, _ maxShardSize: Int?
  ) throws -> (plan: ShardPlan, indexMetadata: JSONObject?) {
    if peft.isAdapter {
      let shard = folder.shards[0]
      return (
        try ShardPlan([.init(shard.name, plan.destinations, metadata: shard.file.metadata)]), nil
      )
    }
    if plan.direction == .toHF, maxShardSize == nil,
      let record = try ConversionRecord.read(from: folder),
      let restored = try? record.shardPlan(for: plan.destinations)
    {
      return (restored, record.indexMetadata)
    }
    let greedy = try ShardPlan.greedy(
      plan.destinations, maxShardSize: maxShardSize ?? Self.largestShardByteCount)
    return (greedy, nil)
  }
}

extension PlanStreamer {
  /// Creates a streamer of a folder's tensors, and says where the memory budget is too small.
  init(_ plan: ConversionPlan, of folder: CheckpointFolder, memory: Int?, _ console: Console) {
    self.init(
      plan, memoryByteCount: memory ?? Self.defaultMemoryByteCount, isReading: !folder.isMapped)
    if let (tensor, byteCount) = excess {
      console.warn(
        "--max-memory is too small: '\(tensor.name)' takes \(byteText(byteCount)) at a time; "
          + "--mmap keeps to the budget")
    }
  }
}

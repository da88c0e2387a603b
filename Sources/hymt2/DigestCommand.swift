// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import ArgumentParser
import Campaigns
import Digests
import Layouts
import Safetensors
import StrictJSON
import Tensors

/// `hymt2 digest`.
struct DigestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "digest",
    abstract: "Print the SHA-256 that each tensor has after a correct conversion.",
    usage: "hymt2 digest <folder> [<options>]",
    discussion: """
      Converts the folder piece by piece within a memory budget, writes nothing, and prints one \
      line a tensor: the SHA-256 of its little-endian bytes and its name, as sha256sum does of \
      files. A folder that is in the form asked for is read as it is. With --ep-size and without \
      --ep-rank, the digests of every rank.

      Examples:
        hymt2 digest Hy-MT2-30B-A3B
        hymt2 digest Hy3 --ep-size 8 --json
        hymt2 digest native --to hf --exclude 'model.layers.0'
      """)

  @Argument(help: "The folder to read.")
  var folder: String

  @Option(
    help: ArgumentHelp(
      "The form of the tensors: native (grouped experts) or hf (as on disk).",
      valueName: "native|hf"),
    transform: word)
  var to = ConvertCommand.Target.native

  @OptionGroup var conversion: ConversionArguments
  @OptionGroup var layout: LayoutArguments
  @OptionGroup var adapter: AdapterArguments
  @OptionGroup var reading: ReadingArguments
  @OptionGroup var output: OutputOptions

  func validate() throws {
    try conversion.validate(to: to, forEveryRank: true)
    try require("--ep-size", conversion.epSize, in: 1...65_536)
  }

  func run() throws {
    try runOrExit {
      Interruption.watch()
      let folder = try layout.folder(folder, config: nil, reading.access)
      let planner = try adapter.planner(try layout.config(of: folder), mtp: conversion.mtp)
      var digests = FolderDigests(folder: folder, planner: planner, console: output.console)
      let ranks = try ranks()
      var documents: [JSONValue] = []
      for rank in ranks {
        let plan = try plan(folder, planner, rank)
        let values = try digests.values(of: plan, memory: conversion.maxMemory?.byteCount)
        if ranks.count > 1, let rank { output.console.print("# rank \(rank.rank) of \(rank.size)") }
        for (info, digest) in zip(plan.destinations, values) {
          output.console.print("\(digest)  \(info.name)")
        }
        documents.append(json(plan, values, rank))
      }
      let isSingle = conversion.epSize == nil || conversion.epRank != nil
      output.console.printDocument(
        "digest", holds: true,
        planner.config.layout.members + [
          "to": .string(to.rawValue), "algorithm": "sha256",
          "epSize": conversion.epSize.map { JSONValue($0) } ?? .null,
        ]
          + (isSingle
            ? documents[0].objectValue ?? [:] : ["ranks": .array(documents)]))
      return true
    }
  }

  /// The ranks that were asked for; nil means all experts.
  private func ranks() throws -> [ExpertParallelism?] {
    guard let size = conversion.epSize, conversion.epRank == nil else {
      return [try conversion.parallelism]
    }
    return try (0..<size).map { try ExpertParallelism(rank: $0, size: size) }
  }

  private func plan(
    _ folder: CheckpointFolder, _ planner: AdapterPlanner, _ rank: ExpertParallelism?
  ) throws -> ConversionPlan {
    guard (planner.nativeSurplus(of: folder.infos) > 0) == (to == .native) else {
      return try FolderConversion(
        folder: folder, planner: planner, parallelism: rank, console: output.console
      ).plan(to: to, excluding: conversion.exclude)
    }
    guard rank == nil else {
      throw CommandError(
        "\(folder.path): expected a folder that --to \(to.rawValue) converts, since --ep-rank and "
          + "--ep-size share out the experts of a conversion, found one in that form")
    }
    return ConversionPlan(
      unchanged: folder.infos, excluding: try ExclusionPattern(conversion.exclude))
  }

  private func json(
    _ plan: ConversionPlan, _ values: [SHA256Digest], _ rank: ExpertParallelism?
  ) -> JSONValue {
    let digests = zip(plan.destinations, values).map { info, digest -> (String, JSONValue) in
      var members = info.json().objectValue ?? [:]
      members["name"] = nil
      members["sha256"] = .string("\(digest)")
      return (info.name.text, .object(members))
    }
    return [
      "epRank": rank.map { JSONValue($0.rank) } ?? .null, "digests": .object(JSONObject(digests)),
    ]
  }
}

/// The digests of what plans make of a folder.
private struct FolderDigests {
  let folder: CheckpointFolder
  let planner: AdapterPlanner
  let console: Console
  /// The digests of tensors that every rank has as they are, by their native names.
  private var shared: [TensorName: SHA256Digest] = [:]

  init(folder: CheckpointFolder, planner: AdapterPlanner, console: Console) {
    (self.folder, self.planner, self.console) = (folder, planner, console)
  }

  /// The digests of a plan's destinations, in their order.
  mutating func values(of plan: ConversionPlan, memory: Int?) throws -> [SHA256Digest] {
    let ranges = plan.movesByDestination()
    let isUnchanged = plan.destinations.indices.map { plan.isUnchanged($0, ranges[$0]) }
    let known = plan.destinations.indices.map { position in
      isUnchanged[position] ? shared[plan.destinations[position].name] : nil
    }
    let hashed = plan.only { known[$0] == nil }
    let total = try TensorTotals(hashed.destinations).byteCount
    let progress = Progress("hashing", total: total, in: .bytes, console)
    defer { progress.finish() }
    let streamer = PlanStreamer(hashed, of: folder, memory: memory, console)
    let hashes = try streamer.fold(SHA256()) { [folder] source, elements in
      try Interruption.check()
      return try folder.presentTensor(named: hashed.sources[source].name, elements: elements)
    } _: { hash, bytes in
      hash.update(bytes)
      progress.advance(bytes.byteCount)
    }
    var rest = hashes[...]
    return plan.destinations.indices.map { position in
      if let digest = known[position] { return digest }
      let digest = rest.removeFirst().digest
      if isUnchanged[position] { shared[plan.destinations[position].name] = digest }
      return digest
    }
  }
}

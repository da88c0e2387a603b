// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import ArgumentParser
import Campaigns
import Files
import Layouts
import Safetensors
import StrictJSON
import Tensors

/// `hymt2 diff`.
struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Show how two checkpoint folders differ, whatever forms they are in.",
    usage: "hymt2 diff <first> <second> [<options>]",
    discussion: """
      Either folder may be as on disk or native, and of another layout of the same model. Tensors \
      are compared bit for bit as the first folder's layout has them on disk, and what differs is \
      said in the words of the diagnosis: exchanged experts, casts, transposes, missing and \
      surplus tensors, changed elements with their region and distance.
      Exit status: 0 if there is no difference, 1 if there is one.

      Examples:
        hymt2 diff Hy-MT2-30B-A3B native
        hymt2 diff before after --report diff.html
      """)

  @Argument(help: "The folder that is right.")
  var first: String

  @Argument(help: "The folder to compare with it.")
  var second: String

  @Option(help: ArgumentHelp("Write an HTML report.", valueName: "file.html"))
  var report: String?

  @OptionGroup var layout: LayoutArguments
  @OptionGroup var adapter: AdapterArguments
  @OptionGroup var reading: ReadingArguments
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard report?.hasSuffix(".html") != false else {
      throw ValidationError("--report: expected a file whose name ends in .html")
    }
  }

  func run() throws {
    try runOrExit {
      if let report { try OutputPlace(report).checkParent() }
      Interruption.watch()
      let console = output.console
      let one = try ComparedFolder(first, layout, adapter, reading.access)
      let other = try ComparedFolder(second, layout, adapter, reading.access)
      if let own = one.parallelism, let rank = other.parallelism, own != rank {
        throw CommandError(
          "\(first) has the experts of rank \(own.rank) of \(own.size), and \(second) those of rank "
            + "\(rank.rank) of \(rank.size); compare each with a folder that has all experts")
      }
      let total = try TensorTotals(one.folder.infos).byteCount
      let progress = Progress("comparing", total: total, in: .bytes, console)
      let diff = try CheckpointDiff(
        one.side(as: one), other.side(as: one), one.planner.config
      ) { progress.advance($0) }
      progress.finish()
      let result = DiffReport(
        diff, first: (first, one.form), second: (second, other.form))
      if let report {
        try FileSystem.write(
          Array(result.html(tool: "hymt2 \(HyMT2.version)").utf8), to: report)
      }
      console.print(result.lines)
      console.printDocument(
        "diff", holds: diff.isEmpty, one.planner.config.layout.members + result.json)
      return diff.isEmpty
    }
  }
}

/// A folder with the layout and the form that it is in.
private struct ComparedFolder {
  let folder: CheckpointFolder
  let planner: AdapterPlanner
  let isNative: Bool
  /// The rank whose experts the folder has, as `convert` noted it; nil for all.
  let parallelism: ExpertParallelism?

  init(
    _ path: String, _ layout: LayoutArguments, _ adapter: AdapterArguments, _ access: FileAccess
  ) throws {
    folder = try layout.folder(path, config: nil, access)
    let config = try layout.config(of: folder)
    let infos = folder.infos
    // A folder may be in any native form of the table.
    var best: (planner: AdapterPlanner, surplus: Int)?
    for native in layout.native == nil ? config.layout.natives : [config.layout.native] {
      var form = layout
      form.native = native
      let planner = try adapter.planner(form.config(of: folder))
      let surplus = planner.nativeSurplus(of: infos)
      if surplus > best?.surplus ?? 0 { best = (planner, surplus) }
    }
    isNative = best != nil
    parallelism = isNative ? try ConversionRecord.read(from: folder)?.parallelism : nil
    planner = try best?.planner ?? adapter.planner(config)
  }

  var form: String {
    let layout = planner.config.layout
    let rank = parallelism.map { ", rank \($0.rank) of \($0.size)" } ?? ""
    return isNative
      ? "native (\(layout.native)) of \(layout.name)\(rank)" : "on disk as \(layout.name)"
  }

  /// The folder as another's layout has it on disk.
  func side(as other: ComparedFolder) throws -> CheckpointDiff.Side {
    let infos = folder.infos
    let view: OnDiskView
    if isNative {
      view = try OnDiskView(native: infos, planner, parallelism)
    } else if planner.config.layout.name == other.planner.config.layout.name {
      view = OnDiskView(onDisk: infos)
    } else {
      view = try OnDiskView(infos, of: planner, by: other.planner)
    }
    return CheckpointDiff.Side(view, of: parallelism) { [folder] source, elements in
      try Interruption.check()
      return try folder.presentTensor(named: infos[source].name, elements: elements)
    }
  }
}

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
      let one = try ComparedFolder(first, layout, adapter)
      let other = try ComparedFolder(second, layout, adapter)
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

  init(_ path: String, _ layout: LayoutArguments, _ adapter: AdapterArguments) throws {
    folder = try CheckpointFolder(path: path)
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
    planner = try best?.planner ?? adapter.planner(config)
  }

  var form: String {
    let layout = planner.config.layout
    return isNative ? "native (\(layout.native)) of \(layout.name)" : "on disk as \(layout.name)"
  }

  /// The folder as another's layout has it on disk.
  func side(as other: ComparedFolder) throws -> CheckpointDiff.Side {
    let infos = folder.infos
    let view: OnDiskView
    if isNative {
      view = try OnDiskView(native: infos, planner)
    } else if planner.config.layout.name == other.planner.config.layout.name {
      view = OnDiskView(onDisk: infos)
    } else {
      view = try OnDiskView(infos, of: planner, by: other.planner)
    }
    return CheckpointDiff.Side(view) { [folder] source in
      try Interruption.check()
      return try folder.presentTensor(named: infos[source].name)
    }
  }
}

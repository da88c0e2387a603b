// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import ArgumentParser
import Layouts
import StrictJSON
import Tensors

/// `hymt2 layouts show`.
struct LayoutsShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Show a layout's table, or list every tensor of a model.",
    usage: "hymt2 layouts show <table> [<options>]",
    discussion: """
      Without --config, the table as it is written. With --config, each tensor with its type and \
      shape on disk and its place in native form.

      Examples:
        hymt2 layouts show qwen3_moe
        hymt2 layouts show hy_v3 --config Generators/configs/hy3.json
      """)

  @Argument(help: "The name of a layout, or a file with a table.")
  var table: String

  @Option(help: ArgumentHelp("A native form of the table.", valueName: "name"))
  var native: String?

  @Option(help: ArgumentHelp("The config.json of a model.", valueName: "file"))
  var config: String?

  @Option(help: "Activation of the experts; relu2 has no gate.", transform: word)
  var activation = ExpertActivation.swiglu

  @OptionGroup var output: OutputOptions

  func validate() throws {
    try LayoutSource(table).validate(native: native)
  }

  func run() throws {
    try runOrExit {
      let layout = try LayoutSource(table).layout(native: native)
      let console = output.console
      guard let config else {
        for line in layout.text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        {
          console.print(String(line))
        }
        console.printDocument(
          "layouts show", holds: true, json(layout) + ["table": .string(layout.text)])
        return true
      }
      let listing = try ModelConfig(fileAt: config, layout: layout).listing(
        isGated: activation.isGated)
      let totals = try TensorTotals(listing.map(\.info))
      let width = listing.map { $0.info.name.text.count }.max() ?? 0
      for tensor in listing {
        let info = tensor.info
        console.print(
          "\(info.name.text.padded(to: width))  \(info.dtype.rawValue.padded(to: 4)) \(info.shape)"
            + (tensor.isKept ? "" : " -> \(tensor.nativeName)\(tensor.nativePlace)"))
      }
      totals.print(to: console)
      console.printDocument(
        "layouts show", holds: true,
        json(layout) + totals.json + ["tensorList": .array(listing.map(json))])
      return true
    }
  }

  private func json(_ layout: Layout) -> JSONObject {
    [
      "layout": .string(layout.name), "native": .string(layout.native),
      "natives": .array(layout.natives.map { .string($0) }),
      "operations": .array(layout.operations.map { .string($0.rawValue) }),
    ]
  }

  private func json(_ tensor: ListedTensor) -> JSONValue {
    [
      "name": .string(tensor.info.name.text), "dtype": .string(tensor.info.dtype.rawValue),
      "shape": .array(tensor.info.shape.extents.map { JSONValue($0) }),
      "native": .string(tensor.nativeName.text), "place": .string(tensor.nativePlace),
    ]
  }
}

extension ListedTensor {
  /// Whether the native tensor is the same by name and elements.
  fileprivate var isKept: Bool { nativePlace.isEmpty && nativeName == info.name }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import ArgumentParser
import Campaigns
import Layouts
import Safetensors
import StrictJSON
import Tensors

/// `hymt2 names`.
struct NamesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "names",
    abstract: "Check a published index against its config and layout; no tensor file is needed.",
    usage: "hymt2 names <index> --config <file> [<options>]",
    discussion: """
      Compares the names in a model.safetensors.index.json with those that the layout expects for \
      the config: experts grouped or one by one, prediction layers, counts, companions such as \
      scales. Says first what does not fit, then the first keys, then how many tensors differ, by \
      ranges of layers.

      Examples:
        hymt2 names model.safetensors.index.json --config config.json
        hymt2 names index.json --config config.json --layout my_model.yaml --json
      """)

  @Argument(help: "The model.safetensors.index.json.")
  var index: String

  @Option(help: "The config.json beside it.")
  var config: String

  @OptionGroup var layout: LayoutArguments
  @OptionGroup var output: OutputOptions

  func run() throws {
    try runOrExit {
      let config = try layout.config(fileAt: config)
      let text = try fileBytes(index)
      let index = try CheckpointIndex(parsing: unsafe text.span.bytes, path: index)
      let report = config.check(names: index.weightMap.map(\.name)) { otherConfigs(than: config) }
      let remark = index.sizeRemark(config)
      print(report, config, remark, to: output.console)
      output.console.printDocument(
        "names", holds: report.fits, config.layout.members + report.json(remark))
      return report.fits
    }
  }

  /// The config as other known layouts read it, those that can.
  private func otherConfigs(than own: ModelConfig) -> [ModelConfig] {
    let json = try? JSONValue(parsing: fileBytes(config), acceptsNonFinite: true)
    guard let object = json?.objectValue else { return [] }
    return Layout.knownNames.filter { $0 != own.layout.name }.compactMap { name in
      guard let layout = Layout.known(name), let type = layout.modelTypes.first else { return nil }
      var other = object
      other["model_type"] = .string(type)
      // Fields lie where the layout looks for them.
      var inner = JSONValue.object(other)
      for root in layout.configRoot.reversed() where other[layout.configRoot[0]] == nil {
        inner = .object(JSONObject([("model_type", .string(type)), (root, inner)]))
      }
      return try? ModelConfig(json: inner, layout: layout)
    }
  }

  private func print(
    _ report: NamesReport, _ config: ModelConfig, _ remark: String?, to console: Console
  ) {
    let name = config.layout.name
    if report.fits {
      console.printVerdict(
        true,
        "\(grouped(report.expectedCount)) names are those of layout \(name) and the config")
    } else {
      let others = report.fitting.map { "another known layout fits: \($0)" }
      let sentences = others + report.causes.map(\.sentence)
      console.printVerdict(false, sentences[0])
      for sentence in sentences.dropFirst().prefix(7) { console.print("  \(sentence)") }
      if sentences.count > 8 { console.print("  and \(grouped(sentences.count - 8)) more reasons") }
      Self.print("missing", report.missing, to: console)
      Self.print("surplus", report.surplus, to: console)
      console.print("")
      for line in report.table.lines() { console.print(line) }
    }
    for (suffix, count) in report.companions {
      console.print("  \(grouped(count)) companions '\(suffix)' of weights")
    }
    for (start, count) in report.others {
      console.print("  \(grouped(count)) other tensors '\(start).…', which pass unchanged")
    }
    if let remark { console.print("  \(remark)") }
  }

  private static func print(_ title: String, _ names: [TensorName], to console: Console) {
    guard !names.isEmpty else { return }
    console.print("")
    console.print("  \(grouped(names.count)) \(title)")
    for name in names.prefix(3) { console.print("    \(name)") }
  }
}

extension NamesReport {
  /// The census: a row for each range of layers, those that are right together.
  fileprivate var table: TextTable {
    let wrong = census.filter { $0.missing + $0.surplus > 0 }
    let rows = wrong.prefix(12).map { line -> [String] in
      let layers = line.layers.map { range in
        range.count == 1
          ? "layer \(range.lowerBound)" : "layers \(range.lowerBound)-\(range.upperBound)"
      }
      return [
        layers ?? "outside layers", grouped(line.expected), grouped(line.missing),
        grouped(line.surplus),
      ]
    }
    let right = census.count - wrong.count
    let rest =
      (wrong.count > 12 ? [["\(wrong.count - 12) more ranges"]] : [])
      + (right > 0 ? [["all else", "as expected"]] : [])
    return TextTable(rows: [["each of", "expected", "missing", "surplus"]] + rows + rest)
  }

  fileprivate func json(_ remark: String?) -> JSONObject {
    func names(_ names: [TensorName]) -> JSONValue { .array(names.map { .string($0.text) }) }
    func numbers(_ numbers: [Int]) -> JSONValue { .array(numbers.map { JSONValue($0) }) }
    return [
      "names": JSONValue(count), "expected": JSONValue(expectedCount),
      "causes": .array(
        causes.map { cause in
          [
            "code": .string(cause.code.rawValue), "sentence": .string(cause.sentence),
            "layers": numbers(cause.layers), "keyCount": JSONValue(cause.keys.count),
            "keys": names(Array(cause.keys.prefix(8))),
          ]
        }),
      "fitting": .array(fitting.map { .string($0) }),
      "missing": names(missing), "surplus": names(surplus),
      "census": .array(
        census.map { line in
          [
            "layers": line.layers.map { numbers([$0.lowerBound, $0.upperBound]) } ?? .null,
            "expected": JSONValue(line.expected), "missing": JSONValue(line.missing),
            "surplus": JSONValue(line.surplus),
          ]
        }),
      "companions": .object(JSONObject(companions.map { ($0.suffix, JSONValue($0.count)) })),
      "others": .object(JSONObject(others.map { ($0.start, JSONValue($0.count)) })),
      "remark": remark.map { .string($0) } ?? .null,
    ]
  }
}

extension CheckpointIndex {
  /// What the total size says where it is not that of the config's tensors; other tensors and types change it.
  fileprivate func sizeRemark(_ config: ModelConfig) -> String? {
    guard let totalSize, let totals = try? TensorTotals(ModelSchema(config).tensors()),
      totalSize != totals.byteCount
    else { return nil }
    let bytes = "total_size is \(grouped(totalSize)) bytes, and the config's tensors have "
    return bytes + grouped(totals.byteCount)
      + (totalSize == 4 * totals.parameterCount
        ? ": the file may be in float32"
        : totalSize == totals.parameterCount ? ": it counts elements, it seems" : "")
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import ArgumentParser
import Campaigns
import Safetensors
import StrictJSON
import Tensors

/// `hymt2 inspect`.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show what is in a safetensors file, a checkpoint folder or a golden file.",
    discussion: """
      Checks the files by the format's rules and lists names, types, shapes and sizes; no data \
      is read. A folder need not be a whole checkpoint. A golden file (.h5) must be one that the \
      manifest.json beside it lists; its digests are checked, too.

      Examples:
        hymt2 inspect model.safetensors
        hymt2 inspect Hy-MT2-30B-A3B --summary
        hymt2 inspect Golden/model.h5
      """)

  @Argument(help: "A .safetensors file, a golden file of a set, or a checkpoint folder.")
  var path: String

  @Flag(help: "Only totals, no list of tensors.")
  var summary = false

  @OptionGroup var output: OutputOptions

  func run() throws {
    try runOrExit {
      if GoldenContents.isNamed(path) {
        try GoldenContents(path).report(to: output.console, isSummary: summary)
        return true
      }
      let contents = try Contents(path, output.console)
      try contents.report(to: output.console, isSummary: summary)
      return true
    }
  }
}

/// The tensors of one or more files.
private struct Contents {
  private var files: [(name: String, file: SafetensorsFile)] = []
  /// Files with types that nothing else here knows, such as F4.
  private var listed: [(name: String, tensors: [HeaderTensor])] = []

  init(_ path: String, _ console: Console) throws {
    guard let names = folderNames(in: path) else {
      try add(path, at: path)
      return
    }
    do {
      files = try CheckpointFolder(path: path, access: .read).shards.map { ($0.name, $0.file) }
    } catch {
      let names = names.filter { $0.hasSuffix(".safetensors") }
      guard !names.isEmpty else { throw error }
      for name in names { try add(name, at: "\(path)/\(name)") }
      console.warn("not a whole checkpoint: \(error)")
    }
  }

  private mutating func add(_ name: String, at path: String) throws {
    do {
      files.append((name, try SafetensorsFile(path: path, access: .read)))
    } catch  where error.code == .unsupportedDType {
      listed.append((name, try SafetensorsFile.listing(path: path)))
    }
  }

  func report(to console: Console, isSummary: Bool) throws {
    let totals = try TensorTotals(files.flatMap(\.file.infos))
    for (name, file) in files {
      let metadata = (file.metadata?.pairs ?? []).map { ($0.key, $0.value) }
      console.print(name, metadata, file.infos, isSummary: isSummary)
    }
    for (name, tensors) in listed {
      let rows = tensors.map { ($0.name, $0.dtype, "\($0.extents)") }
      console.print(name, [], rows, isSummary: isSummary)
    }
    totals.print(to: console)
    console.printDocument(
      "inspect", holds: true,
      totals.json + [
        "files": .array(
          files.map { json($0.name, $0.file, isSummary) }
            + listed.map { json($0.name, $0.tensors, isSummary) })
      ])
  }

  private func json(_ name: String, _ tensors: [HeaderTensor], _ isSummary: Bool) -> JSONValue {
    var object: JSONObject = ["name": .string(name), "tensorCount": JSONValue(tensors.count)]
    if !isSummary {
      object["tensors"] = .array(
        tensors.map {
          [
            "name": .string($0.name), "dtype": .string($0.dtype),
            "shape": .array($0.extents.map { JSONValue($0) }),
            "bytes": JSONValue($0.byteCount),
          ]
        })
    }
    return .object(object)
  }

  private func json(_ name: String, _ file: SafetensorsFile, _ isSummary: Bool) -> JSONValue {
    let metadata = (file.metadata?.pairs ?? []).map { ($0.key, JSONValue.string($0.value)) }
    var object: JSONObject = [
      "name": .string(name), "metadata": .object(JSONObject(metadata)),
      "tensorCount": JSONValue(file.infos.count),
    ]
    if !isSummary { object["tensors"] = .array(file.infos.map { $0.json(typeAs: "dtype") }) }
    return .object(object)
  }
}

extension Console {
  /// Lists the tensors of a file, after what the file says of itself.
  func print(
    _ file: String, _ attributes: [(String, String)], _ infos: [TensorInfo], isSummary: Bool
  ) {
    let rows = infos.map { ($0.name.text, $0.dtype.rawValue, "\($0.shape)") }
    print(file, attributes, rows, isSummary: isSummary)
  }

  fileprivate func print(
    _ file: String, _ attributes: [(String, String)],
    _ tensors: [(name: String, type: String, shape: String)], isSummary: Bool
  ) {
    print("\(file): \(grouped(tensors.count)) tensors")
    for (name, value) in attributes { print("  \(name) = \(value)") }
    let width = tensors.map(\.name.count).max() ?? 0
    for (name, type, shape) in isSummary ? [] : tensors {
      print("  \(name.padded(to: width))  \(type.padded(to: 8)) \(shape)")
    }
  }
}

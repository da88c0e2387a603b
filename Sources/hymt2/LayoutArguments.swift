// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import ArgumentParser
import CheckpointGenerators
import Layouts
import Safetensors
import StrictJSON

/// The options that say what checkpoints look like, on disk and in native form.
struct LayoutArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Layout of the checkpoints: one of 'hymt2 layouts', or a file with a table.",
      valueName: "name|file"))
  var layout: String?

  @Option(
    help: ArgumentHelp(
      "One of the layout's native forms. Default: its first.", valueName: "name"))
  var native: String?

  func validate() throws {
    if let layout { try LayoutSource(layout).validate(native: native) }
  }

  /// The layout that was asked for, nil if none was.
  ///
  /// - Parameter config: Whose `model_type` says which layout is meant where only a native form is given.
  func chosen(for config: ModelConfig? = nil) throws -> Layout? {
    if let layout { return try LayoutSource(layout).layout(native: native) }
    guard let native else { return nil }
    return try LayoutSource(config?.layout.name ?? Layout.usual.name).layout(native: native)
  }

  /// The layout of commands without a config.
  func chosenOrUsual() throws -> Layout {
    try chosen() ?? .usual
  }

  /// Reads a config by the layout that was asked for, or by that of its `model_type`.
  func config(fileAt path: String) throws -> ModelConfig {
    try config { try ModelConfig(fileAt: path, layout: $0) }
  }

  /// Opens a checkpoint folder.
  ///
  /// - Parameter config: The file of the config that counts instead of the folder's, if any.
  func folder(
    _ path: String, config: String?, _ access: FileAccess
  ) throws -> CheckpointFolder {
    try CheckpointFolder(path: path, configPath: config, access: access)
  }

  /// Reads the config of a checkpoint folder in the same way.
  func config(of folder: CheckpointFolder) throws -> ModelConfig {
    try config { try ModelConfig(configOf: folder, layout: $0) }
  }

  private func config(_ read: (Layout?) throws -> ModelConfig) throws -> ModelConfig {
    // Only its `model_type` says of which layout a native form is meant.
    try read(chosen(for: layout == nil && native != nil ? read(nil) : nil))
  }

  /// What says the same on a command line.
  var words: [String] {
    (layout.map { ["--layout", $0] } ?? []) + (native.map { ["--native", $0] } ?? [])
  }
}

/// The option that says how the files of checkpoints are reached.
struct ReadingArguments: ParsableArguments {
  @Flag(
    inversion: .prefixedNo,
    help: """
      Map files into memory instead of reading them, which is of use with a small --max-memory. A file that is \
      cut off meanwhile ends the process then.
      """)
  var mmap = false

  var access: FileAccess { mmap ? .mapped : .read }
}

/// A table by its name or in a file.
struct LayoutSource {
  private let text: String
  private let isFile: Bool

  init(_ text: String) {
    isFile = text.contains("/") || text.hasSuffix(".yaml") || text.hasSuffix(".yml")
    self.text = isFile ? text : WordList(Layout.knownNames).meaning(of: text) ?? text
  }

  /// The name of the table: of a file, its name up to the last point.
  var name: String {
    guard isFile else { return text }
    let file = text.split(separator: "/").last.map { String($0) } ?? text
    return file.lastIndex(of: ".").map { String(file[..<$0]) } ?? file
  }

  /// Refuses names and native forms that there are not; files are read when they are needed.
  func validate(native: String?) throws {
    guard !isFile else { return }
    guard let layout = Layout.known(text) else {
      throw ValidationError(
        "there is no layout '\(text)', and the name of a file with a table ends in .yaml; "
          + WordList(Layout.knownNames).answer(to: text))
    }
    let natives = WordList(layout.natives)
    if let native, natives.meaning(of: native) == nil {
      throw ValidationError(
        "layout \(text) has no native form '\(native)'; \(natives.answer(to: native))")
    }
  }

  /// The text of the table.
  func tableText() throws -> String {
    isFile ? String(decoding: try fileBytes(text), as: UTF8.self) : try Layout.named(text).text
  }

  func layout(native: String?) throws -> Layout {
    guard isFile else {
      let natives = WordList(native == nil ? [] : try Layout.named(text).natives)
      return try Layout.named(text, native: native.map { natives.meaning(of: $0) ?? $0 })
    }
    return try ofFile { try Layout(text: tableText(), name: name, native: native) }
  }

  func audit() throws -> LayoutAudit {
    guard isFile else { return try LayoutAudit(named: text) }
    return try ofFile { try LayoutAudit(text: tableText(), name: name) }
  }

  private func ofFile<R>(_ read: () throws -> R) throws -> R {
    do {
      return try read()
    } catch let error as LayoutError {
      throw CommandError("\(text): \(error)")
    }
  }
}

extension Layout {
  /// What JSON documents say of the layout.
  var members: JSONObject {
    [
      "layout": .string(name), "native": .string(native),
    ]
  }
}

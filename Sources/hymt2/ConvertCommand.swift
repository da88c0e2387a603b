// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import ArgumentParser
import Layouts
import Safetensors
import StrictJSON
import Tensors

/// `hymt2 convert`.
struct ConvertCommand: ParsableCommand {
  enum Target: String, CaseIterable {
    case native, hf
  }

  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Convert a checkpoint folder to native form, or back.",
    discussion: """
      Reads and writes folders of safetensors files with a config.json, piece by piece within \
      a memory budget. The output folder appears when it is complete, or not at all. Converting \
      back restores the original shards if the tensors are the same.

      Examples:
        hymt2 convert --to native Hy-MT2-30B-A3B native
        hymt2 convert --to native Hy3 rank0 --ep-rank 0 --ep-size 8 --mtp drop
        hymt2 convert --to hf native back --exclude 'model.layers.0'
        hymt2 convert --to hf lora per-expert --config Hy3/config.json
      """)

  @Option(
    help: ArgumentHelp(
      "The form to write: native (grouped experts) or hf (per expert).", valueName: "native|hf"),
    transform: word)
  var to: Target

  @Argument(help: "The folder to read.")
  var input: String

  @Argument(help: "The folder to make; it must not exist.")
  var output: String

  @OptionGroup var conversion: ConversionArguments

  @Option(help: "The largest shard to write, such as 5GB. Default: as in the input, or 5GB.")
  var maxShardSize: ByteSize?

  @Option(help: "The config.json of the base model, for the folder of a LoRA adapter.")
  var config: String?

  @OptionGroup var layout: LayoutArguments
  @OptionGroup var adapter: AdapterArguments
  @OptionGroup var reading: ReadingArguments
  @OptionGroup var outputOptions: OutputOptions

  func validate() throws {
    try conversion.validate(to: to)
  }

  func run() throws {
    try runOrExit {
      Interruption.watch()
      let console = outputOptions.console
      if to == .hf && adapter.dtype != nil {
        // Scripts may pass one set of options both ways.
        console.warn("--dtype has no effect with --to hf, which casts nothing")
      }
      let folder = try layout.folder(input, config: config, reading.access)
      let place = OutputPlace(output)
      try place.checkOutside(of: input)
      for name in place.leftovers {
        console.warn(
          "\(name) is left over from a run that was killed, unless one is under way: remove it")
      }
      let conversion = try FolderConversion(
        folder: folder,
        planner: try adapter.planner(try layout.config(of: folder), mtp: self.conversion.mtp),
        parallelism: try self.conversion.parallelism, console: console)
      let plan = try conversion.plan(to: to, excluding: self.conversion.exclude)
      try conversion.write(
        plan, to: output, memory: self.conversion.maxMemory?.byteCount,
        maxShardSize: maxShardSize?.byteCount)
      return true
    }
  }
}

extension ModelConfig {
  /// Reads the config of a checkpoint folder, by a layout or by that of its `model_type`.
  init(configOf folder: CheckpointFolder, layout: Layout? = nil) throws {
    let text = folder.config
    do {
      // Bytes have no padding that could be read uninitialized.
      try self.init(jsonText: unsafe text.span.bytes, layout: layout)
    } catch {
      throw CommandError("\(folder.configPath): \(error)")
    }
  }
}

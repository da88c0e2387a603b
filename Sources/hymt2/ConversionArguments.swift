// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import ArgumentParser
import Safetensors

/// The options of conversions of folders.
struct ConversionArguments: ParsableArguments {
  @Option(help: "Rank whose experts are written (native) or read (hf), from 0.")
  var epRank: Int?

  @Option(help: "Number of expert-parallel ranks.")
  var epSize: Int?

  @Option(help: "Leave out keys that Python's re.match would match (with --to hf).")
  var exclude = ""

  @Option(
    help: "Multi-token prediction layers: drop or preserve. Default: what upstream does.",
    transform: word)
  var mtp: MTPPolicy?

  @Option(help: "Memory budget for tensor data, such as 512MiB. Default: 128MiB.")
  var maxMemory: ByteSize?

  /// Refuses what does not go together.
  ///
  /// - Parameter ranks: Whether the size alone means every rank.
  func validate(to target: ConvertCommand.Target, forEveryRank ranks: Bool = false) throws {
    guard (epRank == nil) == (epSize == nil) || ranks && epRank == nil else {
      throw ValidationError("--ep-rank and --ep-size go together")
    }
    if let epRank, let epSize, !(0..<max(0, epSize)).contains(epRank) {
      throw ValidationError("--ep-rank must be from 0 to --ep-size - 1")
    }
    if !exclude.isEmpty && target == .native {
      throw ValidationError("--exclude concerns keys on disk and goes with --to hf")
    }
  }

  /// The rank that was asked for, nil for all experts.
  var parallelism: ExpertParallelism? {
    get throws {
      guard let epRank, let epSize else { return nil }
      return try ExpertParallelism(rank: epRank, size: epSize)
    }
  }
}

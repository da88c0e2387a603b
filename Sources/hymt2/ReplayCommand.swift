// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import ArgumentParser
import Campaigns
import CheckpointGenerators
import Layouts
import StrictJSON
import Tensors

/// `hymt2 replay`.
struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Check the laws again on one checkpoint.",
    discussion: """
      Makes the checkpoint of a token and checks every law on it. A token names the layout and how \
      the checkpoint differs from the plainest one, so you can write one yourself: sizes and flags \
      as config.json calls them, then types, options and contents. In place of a token, name a \
      file that has one, such as a JSON report, or a folder that --save-case made. Without --known, \
      known divergences count as failures.

      Examples:
        hymt2 replay c1:hy_v3:num_experts=2,ep=1/2
        hymt2 replay c1:qwen3_moe:hidden_size=3,layers=d2s,contents=iota
        hymt2 replay case
      """)

  @Argument(help: "A token that 'hymt2 check' printed, or a file or folder that has one.")
  var token: String

  @OptionGroup var arguments: CheckArguments
  @OptionGroup var known: KnownArguments
  @OptionGroup var output: OutputOptions

  func run() throws {
    try run(try arguments.choice.adapter())
  }

  /// Checks laws under an adapter.
  func run(_ adapter: @autoclosure () throws -> any AdapterUnderTest) throws {
    try runOrExit {
      let (text, place) = try TokenText(token).found()
      let spec: CheckpointSpec
      do {
        spec = try CheckpointSpec(token: text, layout: try arguments.layout.chosen())
      } catch let error as CheckpointTokenError {
        throw CommandError("\(place): \(error)")
      }
      let space =
        arguments.config == nil
        ? CheckpointSpace(layout: spec.config.layout) : try arguments.space()
      let run = arguments.run(try adapter(), space, known: try known.given())
      let replay = try run.replay(spec)
      try arguments.checkOutput()
      let console = output.console
      console.print(replay.lines)
      console.printDocument(
        "replay", holds: replay.holds,
        ["version": .string(HyMT2.version)] + JSONObject(replay.json))
      try arguments.save(replay.failure.map { [$0] } ?? [], console)
      return replay.holds
    }
  }
}

/// A token, or where one is.
private struct TokenText {
  private let text: String

  init(_ text: String) {
    self.text = text
  }

  /// The token, and the place of it in words.
  func found() throws -> (token: String, place: String) {
    if text.hasPrefix(CheckpointSpec.tokenPrefix) { return (text, "the token") }
    if text.hasPrefix("p1_") || text.hasPrefix("p2_") {
      throw CommandError(
        "'\(text.prefix(24))' is the token of an older version; check again, and take the token "
          + "that this version prints")
    }
    let path = folderNames(in: text) == nil ? text : "\(text)/\(Failure.readmeName)"
    guard let first = try Self.firstToken(in: TensorStorage.mapping(path)) else {
      throw CommandError("\(path): expected a token such as c1:hy_v3:num_experts=2, found none")
    }
    return (first, path)
  }

  /// The first word of a file that begins as tokens do.
  private static func firstToken(in storage: TensorStorage) -> String? {
    let bytes = storage.bytes
    let text = (0..<bytes.byteCount).map { bytes.byte(at: $0) }
    return text.split { !isTokenByte($0) }.lazy.map { String(decoding: $0, as: UTF8.self) }
      .first { $0.hasPrefix(CheckpointSpec.tokenPrefix) }
  }

  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      // From the hyphen to the colon: - . / 0 to 9 :
      UInt8(ascii: "-")...UInt8(ascii: ":"), UInt8(ascii: "+"), UInt8(ascii: ","),
      UInt8(ascii: "="), UInt8(ascii: "@"), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import ArgumentParser
import Campaigns
import PropertyEngine
import StrictJSON
import Tensors

/// `hymt2 replay`.
struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Judge the laws once more on a checkpoint that broke one.",
    discussion: """
      Makes the checkpoint of a token again and judges every law on it. A token belongs to one \
      version of the generator and to one space of checkpoints: give the --config of the check, \
      if it had one. Instead of a token, name a file that has one in it, such as a JSON report, \
      or a folder that --save-case made. Unless --known is given, nothing is taken for known.

      Examples:
        hymt2 replay p2_q2w0AQIDBA
        hymt2 replay case --config config.json
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
      let run = arguments.run(try adapter(), try arguments.space(), known: try known.given())
      let replay = try run.replay(try TokenText(token).token())
      try arguments.checkOutput()
      let console = output.console
      console.print(replay.lines)
      console.printDocument(
        "replay", holds: replay.holds, [("version", .string(HyMT2.version))] + replay.json)
      try arguments.save(replay.failure.map { [$0] } ?? [], console)
      return replay.holds
    }
  }
}

/// A token, or where one is.
private struct TokenText {
  private static let prefix = "p2_"
  private let text: String

  init(_ text: String) {
    self.text = text
  }

  func token() throws -> ReplayToken {
    if text.hasPrefix(Self.prefix), !text.contains("/") {
      return try Self.read(text, "the token")
    }
    let path = folderNames(in: text) == nil ? text : "\(text)/\(Failure.readmeName)"
    let words = try Self.tokens(in: TensorStorage.mapping(path))
    guard let first = words.first else {
      throw CommandError("\(path): expected a token such as p2_q2w0AQIDBA, found none")
    }
    return try Self.read(first, path)
  }

  private static func read(_ text: String, _ place: String) throws -> ReplayToken {
    do {
      return try ReplayToken(text: text)
    } catch {
      throw CommandError("\(place): \(error)")
    }
  }

  /// The words of a file that begin as tokens do.
  private static func tokens(in storage: TensorStorage) -> [String] {
    let bytes = storage.bytes
    let text = (0..<bytes.byteCount).map { bytes.byte(at: $0) }
    return text.split { !isTokenByte($0) }.map { String(decoding: $0, as: UTF8.self) }
      .filter { $0.hasPrefix(prefix) }
  }

  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
      true
    default: false
    }
  }
}

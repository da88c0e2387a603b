// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import ArgumentParser
import Campaigns
import StrictJSON

/// `hymt2 fuzz corpus`.
struct FuzzCorpusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "corpus",
    abstract: "List, merge or minimise corpora.",
    subcommands: [
      FuzzCorpusListCommand.self, FuzzCorpusMergeCommand.self, FuzzCorpusMinimiseCommand.self,
    ])
}

/// `hymt2 fuzz corpus list`.
struct FuzzCorpusListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the cases of a corpus as tokens, failures first.",
    discussion: """
      Examples:
        hymt2 fuzz corpus list corpus
        hymt2 replay "$(hymt2 fuzz corpus list corpus | head -n 1)"
      """)

  @Argument(help: "The folder.")
  var folder: String

  @OptionGroup var output: OutputOptions

  func run() throws {
    try runOrExit {
      let contents = try existing(folder).contents()
      let console = output.console
      for token in contents.failures + contents.cases { console.print(token) }
      for problem in contents.unreadable { console.warn(problem) }
      console.note(
        "\(grouped(contents.failures.count)) failures, \(grouped(contents.cases.count)) cases")
      console.printDocument(
        "fuzz corpus list", holds: true,
        [
          "failures": .array(contents.failures.map { .string($0) }),
          "cases": .array(contents.cases.map { .string($0) }),
          "unreadable": .array(contents.unreadable.map { .string($0) }),
        ])
      return true
    }
  }
}

/// `hymt2 fuzz corpus merge`.
struct FuzzCorpusMergeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge", abstract: "Add the cases and failures of corpora to another.",
    usage: "hymt2 fuzz corpus merge <folder> <others> ... [<options>]",
    discussion: """
      Examples:
        hymt2 fuzz corpus merge corpus shard-1 shard-2 shard-3
      """)

  @Argument(help: "The folder that the others are added to.")
  var folder: String

  @Argument(help: "The folders to add.")
  var others: [String]

  @OptionGroup var output: OutputOptions

  func run() throws {
    try runOrExit {
      let corpus = Corpus(folder: folder)
      try corpus.add(try others.map(existing))
      return try report("fuzz corpus merge", corpus, output.console)
    }
  }
}

/// `hymt2 fuzz corpus minimise`.
struct FuzzCorpusMinimiseCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "minimise",
    abstract: "Drop cases that add no 3-way coverage.",
    discussion: """
      Do not run it while a campaign uses the corpus. Failures stay. Cases of another version of \
      the generator are removed.

      Examples:
        hymt2 fuzz corpus minimise corpus
      """)

  @Argument(help: "The folder.")
  var folder: String

  @OptionGroup var output: OutputOptions

  func run() throws {
    try runOrExit {
      let corpus = try existing(folder)
      try corpus.minimise()
      return try report("fuzz corpus minimise", corpus, output.console)
    }
  }
}

private func existing(_ folder: String) throws -> Corpus {
  guard folderNames(in: folder) != nil else {
    throw CommandError("\(folder): expected a folder, found none that can be read")
  }
  return Corpus(folder: folder)
}

private func report(_ command: String, _ corpus: Corpus, _ console: Console) throws -> Bool {
  let contents = try corpus.contents()
  for problem in contents.unreadable { console.warn(problem) }
  console.print(
    "\(corpus.folder): \(grouped(contents.failures.count)) failures, "
      + "\(grouped(contents.cases.count)) cases")
  console.printDocument(
    command, holds: true,
    [
      "folder": .string(corpus.folder), "failures": JSONValue(contents.failures.count),
      "cases": JSONValue(contents.cases.count),
      "unreadable": .array(contents.unreadable.map { .string($0) }),
    ])
  return true
}

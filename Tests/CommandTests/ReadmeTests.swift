// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Testing

@Suite("README.md")
struct ReadmeTests {
  private let text: String

  init() throws {
    text = String(
      decoding: try Data(contentsOf: URL(filePath: "\(Hymt2.tree)/README.md")), as: UTF8.self)
  }

  /// The indented blocks, without their indentation; empty lines inside belong to them.
  private var blocks: [[String]] { Self.blocks(of: text) }

  private static func blocks(of text: String) -> [[String]] {
    let lines = text.components(separatedBy: "\n")
    return lines.split { !$0.hasPrefix("    ") && !$0.isEmpty }.compactMap { lines in
      let block = lines.drop(while: \.isEmpty).reversed().drop(while: \.isEmpty).reversed()
      return block.isEmpty ? nil : block.map { String($0.dropFirst(4)) }
    }
  }

  /// Runs a line as a shell does.
  private func shell(_ line: String, in folder: String) throws -> Outcome {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    let programs = Hymt2.program.deletingLastPathComponent().path
    return try Child(
      URL(filePath: "/bin/sh"), ["-c", "\(line) 2>&1"], in: folder,
      environment: ["PATH": "\(programs):\(path)"]
    ).wait(atMost: 600)
  }

  @Test("Sessions shown give the output shown, apart from times")
  func sessions() throws {
    let sessions = blocks.filter { $0[0].hasPrefix("$ ") }
    #expect(sessions.count == 3)
    for session in sessions {
      let scratch = try Scratch()
      for name in ["Tests", "Generators"] {
        try FileManager.default.createSymbolicLink(
          atPath: scratch[name], withDestinationPath: "\(Hymt2.tree)/\(name)")
      }
      var transcript = ""
      for line in session where line.hasPrefix("$ ") {
        transcript += "\(line)\n" + (try shell(String(line.dropFirst(2)), in: scratch.path)).output
      }
      let shown = session.map { "\($0)\n" }.joined()
      #expect(ProveCommandTests.timeless(transcript) == ProveCommandTests.timeless(shown))
    }
  }

  @Test("Command lines shown work, in their order, on a checkpoint of the name shown")
  func commandLines() throws {
    let scratch = try Scratch()
    let tiny = try scratch.tiny("Hy-MT2-30B-A3B")
    try FileManager.default.copyItem(
      atPath: "\(tiny)/config.json", toPath: scratch["config.json"])
    let lines = blocks.flatMap { $0 }.filter {
      $0.hasPrefix("hymt2 ") && !$0.contains(" --adapter ")
    }.map { $0.replacing("--time 10m", with: "--time 2s") }
    #expect(lines.count == 4)
    for line in lines {
      let outcome = try shell(line, in: scratch.path)
      #expect(outcome.status == 0, "\(line): \(outcome)")
    }
    #expect(try scratch.difference("Hy-MT2-30B-A3B", "back") == nil)
  }

  @Test("Command lines for adapters in other processes work, whoever answers")
  func adapterLines() throws {
    let scratch = try Scratch()
    _ = try scratch.tiny("Hy-MT2-30B-A3B")
    let server = Hymt2.program.deletingLastPathComponent().appending(path: "scripted-server").path
    try scratch.write(Array("#!/bin/sh\nexec '\(server)'\n".utf8), to: "python3")
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o755], ofItemAtPath: scratch["python3"])
    let lines = blocks.flatMap { $0 }.filter {
      $0.hasPrefix("hymt2 ") && $0.contains(" --adapter ")
    }
    #expect(lines.count == 4)
    for line in lines {
      let few = line.hasPrefix("hymt2 check ") ? " --examples 3" : ""
      let outcome = try shell("PATH=\(scratch.path):$PATH; \(line)\(few)", in: scratch.path)
      #expect(outcome.status == 0, "\(line): \(outcome)")
    }
  }

  @Test("Command lines of the guide to golden files work, in their order")
  func goldenLines() throws {
    let scratch = try Scratch()
    let server = Hymt2.program.deletingLastPathComponent().appending(path: "scripted-server").path
    try scratch.write(Array("#!/bin/sh\nexec '\(server)'\n".utf8), to: "python3")
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o755], ofItemAtPath: scratch["python3"])
    let page = try Data(
      contentsOf: URL(filePath: "\(Hymt2.tree)/Sources/Goldens/Goldens.docc/KeepGoldenFiles.md"))
    let lines = Self.blocks(of: String(decoding: page, as: UTF8.self)).flatMap(\.self)
      .filter { $0.hasPrefix("hymt2 ") }
    #expect(lines.count == 8)
    for line in lines {
      let outcome = try shell("CI=; unset CI; PATH=$PWD:$PATH; \(line)", in: scratch.path)
      let status: Int32 = line.contains(" diff ") ? 1 : 0
      #expect(outcome.status == status, "\(line): \(outcome)")
    }
    let report = String(decoding: try scratch.bytes("diff.md"), as: UTF8.self)
    #expect(report.contains("description"))
    #expect(try scratch.difference("goldens", "new") == nil)
  }

  @Test("Commands and options named in the text exist")
  func names() throws {
    var known = ""
    for (name, _) in HyMT2Tests.commands { known += try HyMT2Tests.help(of: name).output }
    let ofHymt2 = text.components(separatedBy: "\n").filter { !$0.hasPrefix("    swift ") }
      .joined(separator: "\n")
    let options = Set(ofHymt2.matches(of: /--[a-z][a-z-]+/).map { String($0.output) }).sorted()
    #expect(options.count > 8)
    // Options of pytest begin with the name of the program.
    for option in options where option != "--hymt" {
      #expect(
        known.contains("  \(option) ") || known.contains(" \(option)\n")
          || known.contains(", \(option) "), "\(option)")
    }
    let ofPrograms = text.replacing("python3 -m hymt2 ", with: "")
    let commands = Set(
      ofPrograms.matches(of: /hymt2 ([a-z]+)/)
        .map { String($0.output.1) }
    ).sorted()
    let names = Set(HyMT2Tests.commands.map { String($0.name.prefix { $0 != " " }) })
    for command in commands { #expect(names.contains(command)) }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import CheckpointGenerators
import ExternalAdapters
import Foundation
import Safetensors
import Tensors
import Testing

@Suite("Requests at which an adapter misbehaved")
struct IncidentsTests {
  @Test("are kept with standard error, the smallest of each kind and operation")
  func smallest() throws {
    let folder = Folder.make() + "/made/when/needed"
    let adapter = try Scripted.adapter("complain@always", incidents: folder)
    let specs = Sample.specs(20, seed: 2)
    var smallest = Int.max
    for spec in specs {
      let found = misbehaviour { try adapter.load(spec) }
      #expect(
        found?.account.hasSuffix(
          "the request is kept in '\(folder)/crashed-from_hf.frame', all of standard error in "
            + "'\(folder)/crashed-from_hf.stderr'") == true)
      let size = Folder.size("\(folder)/crashed-from_hf.frame")
      #expect(size <= smallest)
      smallest = size
    }
    let sizes = try specs.map { try Checkpoint($0).stateDict().infos }.map { infos in
      try infos.reduce(0) { try $0 + $1.shape.byteCount(of: $1.dtype) }
    }
    #expect(smallest < sizes.max() ?? 0)
    #expect(Folder.files(in: folder) == ["crashed-from_hf.frame", "crashed-from_hf.stderr"])
    let errors = try String(contentsOfFile: "\(folder)/crashed-from_hf.stderr", encoding: .utf8)
    #expect(errors == "Traceback (most recent call last):\nKeyError: 'model.embed'\n")
  }

  @Test("can be given to the command again")
  func givenAgain() throws {
    let folder = Folder.make()
    let adapter = try Scripted.adapter("exit@2", incidents: folder)
    let session = adapter.session(for: Sample.plainest.setup)
    let found = misbehaviour { _ = try session.areMTPKeys(["model.layers.0.a", "b", "c"]) }
    #expect(
      found?.account.contains("the requests are kept in '\(folder)/crashed-is_mtp_key.frame'")
        == true)
    let answers = Folder.make()
    let process = try Process.run(
      URL(filePath: "/bin/sh"),
      arguments: [
        "-c", "\(Scripted.command()) < '\(folder)/crashed-is_mtp_key.frame' > '\(answers)'",
      ])
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    let text = try String(decoding: Data(contentsOf: URL(filePath: answers)), as: UTF8.self)
    #expect(text.components(separatedBy: "is_mtp").count == 3, "two requests and their answers")
  }

  @Test("are mentioned as lost where they cannot be written")
  func unwritable() throws {
    let adapter = try Scripted.adapter("exit@1", incidents: "/proc/no/such/folder")
    let found = misbehaviour { try adapter.load() }
    #expect(found?.kind == .crashed)
    #expect(
      found?.account.contains("the request is not kept: /proc/no: expected to make the folder")
        == true)
  }
}

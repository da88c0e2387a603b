// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Layouts
import Testing

@testable import Campaigns
@testable import CheckpointGenerators

@Suite("Published tokens")
struct PublishedTokenTests {
  private static func published() throws -> [String] {
    try KnownDivergences.builtIn().flatMap { $0.entries.map(\.token) }
  }

  @Test("A corruption that comes first leaves the checkpoint of every published token as it was")
  func corruptionInFront() throws {
    let first = CheckpointFaultKind("first") { checkpoint, _ in
      checkpoint.loseAll { _, _ in true }
    }
    var changed: [String] = []
    for token in try Self.published() {
      let before = try CheckpointSpec(token: token)
      let kinds = [first] + CheckpointFaultCatalogue.all
      let after = try CheckpointSpec(token: token, layout: nil, kinds: kinds)
      let (old, new) = (
        FaultyCheckpoint(before), FaultyCheckpoint(Checkpoint(after), kinds: kinds)
      )
      let isSame =
        old.faults == new.faults && old.infos == new.infos && old.offences == new.offences
        && before.faults.map(\.kind) == after.faults.map { $0.kind - 1 }
      if !isSame { changed.append(token) }
    }
    #expect(changed == [])
  }

  @Test("A law that comes first leaves what the laws say of every published token as it was")
  func lawInFront() throws {
    let laws = Laws.all.filter { ["keys", "invalid-input"].contains($0.name) }
    var changed: [String] = []
    for token in try Self.published() {
      let spec = try CheckpointSpec(token: token)
      let space = CheckpointSpace(layout: spec.config.layout)
      func verdicts(_ laws: [AdapterLaw]) throws -> [Bool?] {
        try CheckRun(ReferenceAdapter(), laws: laws, space: space).replay(spec).verdicts.map(
          \.holds)
      }
      if try Array(verdicts([TestLaws.shallow] + laws).dropFirst()) != verdicts(laws) {
        changed.append(token)
      }
    }
    #expect(changed == [])
  }

  @Test("No published token names an axis or a position, and each is its own shortest text")
  func words() throws {
    for token in try Self.published() {
      #expect(try CheckpointSpec(token: token).token == token, "\(token)")
    }
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import PropertyEngine
import Testing

@testable import Campaigns

@Suite("Replay of a token")
struct CheckReplayTests {
  private static func failing(_ space: CheckpointSpace = CheckpointSpace()) throws -> Failure {
    let run = CheckRun(
      ReferenceAdapter(), laws: [TestLaws.shallow, TestLaws.few], space: space)
    return try #require(try run.run(RunSettings(examples: 200)).failures.first)
  }

  private func error(_ run: CheckRun, _ token: CheckpointSpec) -> CheckError? {
    do throws(CheckError) {
      _ = try run.replay(token)
      return nil
    } catch {
      return error
    }
  }

  @Test("The token makes the same checkpoint, which fails as before")
  func same() throws {
    let failure = try Self.failing()
    let text = try #require(failure.token)
    #expect(text.utf8.count < 100)
    let token = try CheckpointSpec(token: text)
    let replay = try CheckRun(ReferenceAdapter(), laws: [TestLaws.shallow, TestLaws.few])
      .replay(token)
    #expect(!replay.holds)
    #expect(replay.spec == failure.spec)
    #expect(replay.token == failure.token)
    #expect(replay.failure?.summary == failure.summary)
    #expect(replay.failure?.replayCommand == failure.replayCommand)
    #expect(replay.verdicts.map(\.holds) == [true, false])
    #expect(replay.lines.first?.verdict == false)
  }

  @Test("Laws that hold on it now are said to hold")
  func held() throws {
    let token = try CheckpointSpec(token: try #require(try Self.failing().token))
    let replay = try CheckRun(ReferenceAdapter(), laws: [TestLaws.shallow, TestLaws.silent])
      .replay(token)
    #expect(replay.holds)
    #expect(replay.verdicts.map(\.holds) == [true, nil])
    #expect(replay.lines.first?.verdict == true)
    #expect(replay.lines.first?.text.hasPrefix("no longer fails: 1 law held") == true)
  }

  @Test("A token of another layout or config is refused")
  func foreign() throws {
    let token = try CheckpointSpec(token: try #require(try Self.failing().token))
    let run = CheckRun(ReferenceAdapter(), laws: [TestLaws.few])
    #expect(error(run, try CheckpointSpec(token: "c1:gpt_oss")) == .otherSpace(hasConfig: false))
    let config = try CheckpointSpec(token: "c1:hy_v3:hidden_size=7").config
    let pinned = CheckRun(
      ReferenceAdapter(), laws: [TestLaws.few], space: CheckpointSpace(config: config))
    #expect(error(pinned, token) == .otherSpace(hasConfig: true))
    #expect("\(CheckError.otherSpace(hasConfig: false))".contains("--layout"))
  }

  @Test("A pinned config that changes makes the token another space's")
  func changedConfig() throws {
    func config(hidden: Int) throws -> ModelConfig {
      try ModelConfig(
        vocabularySize: 3, hiddenSize: hidden, denseIntermediateSize: 5, moeIntermediateSize: 2,
        expertCount: 3, layerKinds: [.sparse], attentionHeadCount: 1, keyValueHeadCount: 1,
        headSize: 4)
    }
    let space = CheckpointSpace(config: try config(hidden: 4))
    let token = try CheckpointSpec(token: try #require(try Self.failing(space).token))
    let same = CheckRun(ReferenceAdapter(), laws: [TestLaws.few], space: space)
    #expect(error(same, token) == nil)
    let other = CheckRun(
      ReferenceAdapter(), laws: [TestLaws.few],
      space: CheckpointSpace(config: try config(hidden: 8)))
    #expect(error(other, token) == .otherSpace(hasConfig: true))
  }
}

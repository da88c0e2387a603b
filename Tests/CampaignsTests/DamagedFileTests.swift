// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import CheckpointGenerators
import Foundation
import StrictJSON
import Synchronization
import Testing

@testable import Campaigns

@Suite("Files of campaigns that cannot be read")
struct DamagedFileTests {
  private let folder = NSTemporaryDirectory() + "damaged-\(UUID().uuidString)"

  private func run(
    _ examples: Int = 3, telling: (@Sendable (DamagedFile) -> Void)? = nil,
    observing: (@Sendable (RunProgress) -> Void)? = nil
  ) throws -> RunReport {
    let config = try #require(TestConfig.small)
    var settings = RunSettings(budget: .examples(examples), seed: 1)
    settings.corpus = folder
    settings.damaged = telling
    return try CampaignRun(
      ReferenceAdapter(), around: config, configPath: "config.json", laws: [TestLaws.shallow]
    ).run(settings, observing: observing)
  }

  private func path(_ suffix: String) throws -> String {
    let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/campaigns")
    return "\(folder)/campaigns/\(try #require(names.first { $0.hasSuffix(suffix) }))"
  }

  private func bytes(_ path: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: path)))
  }

  private func write(_ bytes: [UInt8], _ path: String) throws {
    try Data(bytes).write(to: URL(filePath: path))
  }

  @Test("A state is told with file, place and reason, kept aside each time, and begun anew")
  func state() throws {
    _ = try run()
    let file = try path(".json")
    let told = Mutex<[DamagedFile]>([])
    for (number, text) in ["{\"schemaVersion\": 2,,}", "{\"schemaVersion\": 7}"].enumerated() {
      try write(Array(text.utf8), file)
      told.withLock { $0 = [] }
      let report = try run(telling: { damaged in told.withLock { $0.append(damaged) } })
      let aside = file + (number == 0 ? ".damaged" : ".damaged-2")
      let damaged = try #require(report.damaged.first)
      #expect(report.damaged.count == 1 && told.withLock { $0 } == report.damaged)
      #expect(damaged.keptAt == aside)
      #expect(try bytes(aside) == Array(text.utf8))
      let place =
        number == 0 ? "line 1, column 21 (byte 20)" : "schemaVersion: expected 4, found 7"
      #expect(damaged.reason.hasPrefix("\(file): \(place)"), "\(damaged.reason)")
      #expect(report.sessions == 1 && report.judged >= 3)
      let lines = report.lines.map(\.text).joined(separator: " ")
      #expect(lines.contains("damaged: ") && report.html(tool: "t").contains("damaged file"))
      #expect(
        JSONValue.object(JSONObject(report.json))["damagedFiles"]?.arrayValue?.first?["keptAt"]
          == .string(aside))
    }
    #expect(try run().damaged == [])
  }

  @Test("A journal with a line that is none is told and kept aside; the rest of it counts")
  func journal() throws {
    let isCopied = Atomic<Bool>(false)
    let saved = Mutex<(state: [UInt8], journal: [UInt8])>(([], []))
    let expected = try run(
      8,
      observing: { [self] step in
        guard step.judged >= 5, !isCopied.exchange(true, ordering: .relaxed) else { return }
        saved.withLock { saved in
          saved = ((try? bytes(path(".json"))) ?? [], (try? bytes(path(".journal"))) ?? [])
        }
      })
    let (state, journal) = saved.withLock { $0 }
    var lines = journal.split(separator: UInt8(ascii: "\n"))
    try #require(lines.count >= 5)
    lines[2] = Array("{\"record\": {\"case\": 99999999999999999999}}".utf8)[...]
    let damaged = Array(lines.joined(separator: [UInt8(ascii: "\n")])) + [UInt8(ascii: "\n")]
    let file = try path(".journal")
    try write(state, try path(".json"))
    // What follows the last line break is of a process that was killed.
    try write(damaged + Array("{\"record\": {\"ca".utf8), file)
    let report = try run(8)
    #expect(report.sessions == 2 && report.judged == expected.judged)
    #expect(report.damaged.map(\.keptAt) == ["\(file).damaged"])
    #expect(report.damaged.first?.reason.hasPrefix("\(file): line 3: ") == true)
    #expect(try bytes("\(file).damaged") == damaged)
  }

  @Test("A journal without its state is kept aside, not thrown away")
  func journalAlone() throws {
    _ = try run()
    let (state, journal) = (try path(".json"), try path(".journal"))
    try FileManager.default.removeItem(atPath: state)
    try write(Array("{\"record\": {}}\n".utf8), journal)
    let report = try run()
    #expect(report.damaged.map(\.keptAt) == ["\(journal).damaged"])
    #expect(report.damaged.first?.reason.contains("expected \(state) beside it") == true)
  }

  @Test("No bytes crash: each state is taken up, or kept aside with a reason")
  func hostile() throws {
    _ = try run(2)
    let file = try path(".json")
    let good = try bytes(file)
    var stream = SplitMix64(seed: 7)
    for round in 0..<32 {
      var text = good
      switch round % 4 {
      case 0: text = Array(text.prefix(Int(stream.next() % UInt64(text.count))))
      case 1: text = (0..<200).map { _ in UInt8(truncatingIfNeeded: stream.next()) }
      case 2:
        for _ in 0..<3 {
          text[Int(stream.next() % UInt64(text.count))] = UInt8(truncatingIfNeeded: stream.next())
        }
      default: text = Array(repeating: UInt8(ascii: "["), count: 100_000)
      }
      Self.judge(text)
    }
  }

  @Test("No number that a state may have makes sums overflow", arguments: [1 << 53, Int.max])
  func largeNumbers(_ number: Int) throws {
    _ = try run(2)
    let good = try bytes(try path(".json"))
    let places = good.indices.dropFirst().filter { place in
      UInt8(ascii: "0")...UInt8(ascii: "9") ~= good[place] && good[place - 1] == UInt8(ascii: ":")
    }
    #expect(places.count > 20)
    for place in places {
      let end = good[place...].firstIndex { !(UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0) }
      var text = good
      text.replaceSubrange(place..<(end ?? place + 1), with: Array("\(number)".utf8))
      Self.judge(text)
    }
  }

  /// Reads a state with a journal after it, and does what a campaign does with it at its end.
  private static func judge(_ text: [UInt8]) {
    let journal = [
      "{}", "[1]", "{\"record\":{\"case\":9007199254740992}}",
      "{\"record\":{\"case\":2,\"phase\":\"around\",\"ms\":9007199254740992,"
        + "\"marks\":\"\(String(repeating: "01", count: 40))\"}}",
    ].joined(separator: "\n")
    do {
      var (state, unreadable) = try CampaignState.read(
        text, journal: Array(journal.utf8).split(separator: 10), path: "f")
      _ = state.origin(at: state.counted)
      _ = state.positionCount(state.report.budget)
      state.close()
      var report = state.finishedReport
      report.completeFromConfig()
      #expect(unreadable == [1, 2, 3])
    } catch {
      #expect(error.path == "f" && !error.expected.isEmpty, "\(error)")
    }
  }
}

/// A stream of numbers that is the same everywhere.
private struct SplitMix64 {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var bits = state
    bits = (bits ^ bits >> 30) &* 0xbf58_476d_1ce4_e5b9
    bits = (bits ^ bits >> 27) &* 0x94d0_49bb_1331_11eb
    return bits ^ bits >> 31
  }
}

// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import CheckpointGenerators
import Foundation
import PropertyEngine
import Testing

@testable import Campaigns

@Suite("A corpus")
struct CorpusTests {
  private let folder = NSTemporaryDirectory() + "corpus-\(UUID().uuidString)"
  private var corpus: Corpus { Corpus(folder: folder) }

  private static func token(_ number: Int) throws -> String {
    try #require(CheckRun(ReferenceAdapter()).generator.numbered(UInt64(number), seed: 1)).value
      .token
  }

  @Test("A folder that is not there is empty")
  func empty() throws {
    #expect(try corpus.contents() == Corpus.Contents())
  }

  @Test("Cases of all files are there once; damaged lines and files are told")
  func contents() throws {
    let tokens = try (0..<3).map(Self.token)
    try corpus.write(cases: [tokens[0], tokens[1]], named: "a")
    try corpus.write(cases: [tokens[1], tokens[2]], named: "b")
    #expect(try corpus.contents().cases == tokens)
    let path = "\(folder)/cases/c.cases"
    try "hymt2-corpus 2\n\(tokens[0]),size=1\n".write(
      toFile: path, atomically: true, encoding: .utf8)
    try "something else\n".write(
      toFile: "\(folder)/cases/d.cases", atomically: true, encoding: .utf8)
    let damaged = try corpus.contents()
    #expect(damaged.cases == tokens)
    #expect(damaged.unreadable.count == 2)
    #expect(damaged.unreadable[0].hasPrefix("\(path), line 2: "))
  }

  @Test("A corpus that is shrunk has the triples that it had, in fewer cases")
  func minimised() throws {
    let tokens = try (0..<40).map(Self.token)
    try corpus.write(cases: tokens + tokens.prefix(5), named: "a")
    let before = try reach(corpus.contents().cases)
    try corpus.minimise()
    let contents = try corpus.contents()
    #expect(contents.cases.count <= 40)
    let after = try reach(contents.cases)
    let isSame = before.pairBytes == after.pairBytes && before.tripleBytes == after.tripleBytes
    #expect(isSame)
  }

  @Test("The cases left are those that have most of what no other has, one after the other")
  func greedy() throws {
    let tokens = try (0..<60).map(Self.token)
    try corpus.write(cases: tokens, named: "a")
    try corpus.minimise()
    var left = try tokens.map { (token: $0, values: try Self.values($0)) }
    var (reach, expected) = (AxisReach(), [String]())
    while let most = left.map({ reach.newCombinations($0.values) }).max(), most > 0,
      let place = left.firstIndex(where: { reach.newCombinations($0.values) == most })
    {
      let best = left.remove(at: place)
      reach.add(best.values)
      expected.append(best.token)
    }
    #expect(try corpus.contents().cases == expected)
  }

  private static func values(_ token: String) throws -> [UInt8] {
    AxisValues(try CheckpointSpec(token: token)).bytes
  }

  @Test("Corpora are joined, failures too")
  func merged() throws {
    let (one, other) = (Corpus(folder: "\(folder)/1"), Corpus(folder: "\(folder)/2"))
    try one.write(cases: [try Self.token(1)], named: "a")
    try other.write(cases: [try Self.token(2), try Self.token(1)], named: "a")
    var failure = Failure()
    failure.token = try Self.token(3)
    try other.save(failure)
    try corpus.add([one, other])
    let contents = try corpus.contents()
    #expect(Set(contents.cases) == [try Self.token(1), try Self.token(2)])
    #expect(contents.failures == [try Self.token(3)])
  }

  private func reach(_ tokens: [String]) throws -> AxisReach {
    var reach = AxisReach()
    for token in tokens { reach.add(try Self.values(token)) }
    return reach
  }
}

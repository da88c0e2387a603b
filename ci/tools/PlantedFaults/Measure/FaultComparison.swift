// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Campaigns
import StrictJSON

/// What a plain round-trip property, and upstream's own tests, noticed of planted faults.
public struct FaultComparison: Sendable {
  /// How many examples it ran for a fault.
  public let examples: Int
  /// Whether it noticed a fault, by its id.
  public let noticed: [String: Bool]
  /// Whether upstream's own tests noticed a fault, by its id; empty if they were not asked.
  public let noticedByTests: [String: Bool]
  /// How many tests of upstream's pass without a fault and were asked.
  public let tests: Int

  /// Why a text is no comparison.
  public struct Malformed: Error, CustomStringConvertible {
    /// What was expected and found.
    public let description: String
  }

  /// Reads what `python3 -m hymt2 mutants compare --json` prints.
  ///
  /// - Throws: `JSONError` or `Malformed`.
  public init(parsing text: [UInt8], path: String) throws {
    let document = try JSONValue(parsing: text)
    guard let examples = document["examples"]?.integerValue,
      let mutants = document["mutants"]?.arrayValue
    else {
      throw Malformed(
        description:
          "\(path): expected what 'python3 -m hymt2 mutants compare --json' prints, "
          + "found no examples and mutants")
    }
    self.examples = examples
    var noticed: [String: Bool] = [:]
    for mutant in mutants {
      guard let id = mutant["id"]?.stringValue,
        let killed = mutant["roundTrip"]?["killed"]?.boolValue
      else {
        throw Malformed(description: "\(path): a mutant without 'id' or 'roundTrip.killed'")
      }
      noticed[id] = killed
    }
    self.noticed = noticed
    noticedByTests = Dictionary(
      mutants.compactMap { mutant in
        guard let id = mutant["id"]?.stringValue else { return nil }
        return mutant["upstreamTests"]?["killed"]?.boolValue.map { (id, $0) }
      }, uniquingKeysWith: { $1 })
    tests = document["upstreamTests"]?["tests"]?.integerValue ?? 0
  }
}

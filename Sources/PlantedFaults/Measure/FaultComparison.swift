// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Campaigns
import StrictJSON

/// What a plain round-trip property noticed of planted faults.
public struct FaultComparison: Sendable {
  /// How many examples it ran for a fault.
  public let examples: Int
  /// Whether it noticed a fault, by its id.
  public let noticed: [String: Bool]

  /// Why a text is no comparison.
  public struct Malformed: Error, CustomStringConvertible {
    /// What was expected and found.
    public let description: String
  }

  /// Reads what `python3 -m hymt2_oracle mutants compare --json` prints.
  ///
  /// - Throws: `JSONError` or `Malformed`.
  public init(parsing text: [UInt8], path: String) throws {
    let document = try JSONValue(parsing: text)
    guard let examples = document["examples"]?.integerValue,
      let mutants = document["mutants"]?.arrayValue
    else {
      throw Malformed(
        description:
          "\(path): expected what 'python3 -m hymt2_oracle mutants compare --json' prints, "
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
  }
}

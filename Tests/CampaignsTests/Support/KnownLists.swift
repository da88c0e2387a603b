// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import CheckpointGenerators
import PropertyEngine
import StrictJSON

@testable import Campaigns

/// Files of known divergences of the versioned adapter under the laws of these tests.
enum KnownLists {
  static let laws = [TestLaws.shallow, TestLaws.few, TestLaws.flat]

  /// An entry as JSON.
  static func entry(
    _ id: String, law: String, token: String, when: JSONValue? = nil, kind: String = "*"
  ) -> JSONValue {
    let members: [(String, JSONValue)] = [
      ("id", .string(id)), ("title", "Does <it> & more"),
      ("summary", "In `code`, *here*, it does it."),
      ("violations", [["law": .string(law), "kind": .string(kind), "place": "*"]]),
      ("diagnosis", ["too much"]), ("case", .string(token)), ("decision", "report upstream"),
    ]
    var object = JSONObject(members)
    object["when"] = when
    return .object(object)
  }

  /// A file as JSON.
  static func file(_ entries: [JSONValue], command: JSONValue? = nil) -> JSONValue {
    let members: [(String, JSONValue)] = [
      ("schemaVersion", 1), ("adapter", "versioned"), ("version", "1.2"),
      ("entries", .array(entries)),
    ]
    var object = JSONObject(members)
    object["command"] = command
    return .object(object)
  }

  /// Reads a file.
  static func read(
    _ json: JSONValue, laws: [AdapterLaw] = laws
  ) throws(DocumentError) -> KnownDivergences {
    try KnownDivergences(parsing: json.bytes(.python), path: "known.json", laws: laws)
  }

  /// The token of the smallest checkpoint that breaks `few` or `flat`.
  static func token(_ law: AdapterLaw) throws -> String {
    try (law.name == TestLaws.few.name ? fewToken : flatToken).get()
  }

  private static let fewToken = Result { try makeToken(TestLaws.few) }
  private static let flatToken = Result { try makeToken(TestLaws.flat) }

  private static func makeToken(_ law: AdapterLaw) throws -> String {
    let report = try CheckRun(VersionedAdapter(), laws: [law]).run(RunSettings(examples: 200))
    return report.failures.first?.token ?? ""
  }

  /// The token of the simplest checkpoint, which breaks no law.
  static func simplest() -> String { CheckpointSpec.plainest.token }
}

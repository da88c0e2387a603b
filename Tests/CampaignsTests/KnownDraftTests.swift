// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import CheckpointGenerators
import StrictJSON
import Testing

@testable import Campaigns

@Suite("Drafts of known divergences")
struct KnownDraftTests {
  private static let laws = [TestLaws.few, TestLaws.flat]
  private static let adapter = VersionedAdapter()

  private func report(known: KnownDivergences? = nil) throws -> RunReport {
    var settings = RunSettings(examples: 60)
    settings.keepsGoing = true
    return try CheckRun(Self.adapter, laws: Self.laws, known: known).run(settings)
  }

  private func document(_ report: RunReport) -> [UInt8] {
    JSONValue.object(JSONObject([("command", "check")] + report.json)).bytes(.python)
  }

  /// The draft with texts in the places of those to be written.
  private func written(_ draft: KnownDraft) -> JSONValue {
    let entries = (draft.json["entries"]?.arrayValue ?? []).map { entry in
      var object = entry.objectValue ?? JSONObject()
      for name in ["title", "summary", "decision"] { object[name] = "written" }
      return JSONValue.object(object)
    }
    var file = draft.json.objectValue ?? JSONObject()
    file["entries"] = .array(entries)
    return .object(file)
  }

  @Test("There is an entry for each cause, which is refused before its texts are written")
  func unwritten() throws {
    let report = try report()
    let draft = try KnownDraft(report: document(report), path: "report.json")
    #expect(draft.count == report.failureGroups.count)
    let ids = (draft.json["entries"]?.arrayValue ?? []).compactMap { $0["id"]?.stringValue }
    #expect(ids.contains("few-experts-too-many-experts"))
    #expect(Set(ids).count == draft.count)
    do throws(DocumentError) {
      _ = try KnownLists.read(draft.json, laws: Self.laws)
      Issue.record("a draft without texts was read")
    } catch {
      #expect(error.entry == "'\(ids[0])'" && error.field == "title")
      #expect(error.found.contains("a person has to write them"))
    }
  }

  @Test("Once written, it explains everything that the report was made of")
  func explains() throws {
    let draft = try KnownDraft(report: document(try report()), path: "report.json")
    let known = try KnownLists.read(written(draft), laws: Self.laws)
    let again = try report(known: known)
    #expect(again.holds, "\(again.failures.map(\.summary))")
    #expect(again.known?.tallies.allSatisfy { $0.state == .shows } == true)
    #expect(again.known?.seen.count == known.entries.count)
  }

  @Test("What is broken beside is explained too, unless it is a failure of another cause")
  func beside() throws {
    func broken(_ law: String, known: JSONValue = nil) -> JSONValue {
      ["law": .string(law), "kind": "k", "place": "p", "known": known]
    }
    func failure(_ group: Int, _ law: String, _ others: [JSONValue]) -> JSONValue {
      [
        "group": JSONValue(group), "law": .string(law), "kind": "k", "place": "p",
        "summary": "s", "diagnosis": [], "token": "t", "brokenLaws": .array(others),
      ]
    }
    let report: JSONValue = [
      "command": "check", "adapter": "a", "adapterVersion": "1",
      "failures": [
        failure(1, "keys", [broken("keys"), broken("shapes"), broken("types")]),
        failure(1, "lost", [broken("lost"), broken("shapes"), broken("old", known: "x")]),
        failure(2, "types", [broken("types"), broken("keys")]),
      ],
    ]
    let draft = try KnownDraft(report: report.bytes(.python), path: "report.json")
    let laws = (draft.json["entries"]?.arrayValue ?? []).map { entry in
      (entry["violations"]?.arrayValue ?? []).compactMap { $0["law"]?.stringValue }
    }
    #expect(laws == [["keys", "shapes", "lost"], ["types"]])
    #expect(draft.json["entries"]?.arrayValue?.first?["diagnosis"] == ["s"])
  }

  @Test("What is no report of an adapter with a version is refused")
  func errors() throws {
    func error(_ text: String) -> DocumentError? {
      do throws(DocumentError) {
        _ = try KnownDraft(report: Array(text.utf8), path: "report.json")
        return nil
      } catch {
        return error
      }
    }
    #expect(error("{")?.expected == "a JSON document")
    #expect(error(#"{"command": "prove"}"#)?.field == "command")
    #expect(error(#"{"command": "check"}"#)?.field == "adapterVersion")
    #expect(error(#"{"command": "check", "adapterVersion": "1"}"#)?.field == "failures")
    let failure = #"{"command": "check", "adapterVersion": "1", "failures": [{"group": 1}]}"#
    #expect(error(failure)?.field == "failures[0].law")
  }
}

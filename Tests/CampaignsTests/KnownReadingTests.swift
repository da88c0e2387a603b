// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import StrictJSON
import Testing

@testable import Campaigns

@Suite("Files of known divergences")
struct KnownReadingTests {
  private let good: JSONValue

  init() {
    good = KnownLists.entry(
      "much", law: "few-experts", token: KnownLists.simplest(),
      when: ["experts": ["3", "4-8"], "LoRA": ["none"]])
  }

  private func error(_ json: JSONValue) -> DocumentError? {
    do throws(DocumentError) {
      _ = try KnownLists.read(json)
      return nil
    } catch {
      return error
    }
  }

  /// What is said of the file with one entry in which a member was changed.
  private func error(_ member: String, _ value: JSONValue?) -> DocumentError? {
    var object = good.objectValue ?? JSONObject()
    object[member] = value
    return error(KnownLists.file([.object(object)]))
  }

  @Test("The lists that the harness comes with have small cases of this version, where they say")
  func builtIn() throws {
    let lists = try KnownDivergences.builtIn()
    #expect(lists.first?.subject == "nemo-automodel 0.7.0")
    let names = lists.flatMap(\.layouts)
    #expect(Set(names).isSubset(of: Layout.knownNames) && Set(names).count == names.count)
    for (list, entry) in lists.flatMap({ list in list.entries.map { (list, $0) } }) {
      let spec = try CheckpointSpec(token: entry.token)
      #expect(spec.config.layout.name == list.layouts[0])
      #expect(spec.config.expertCount <= 3, "\(entry.id)")
      #expect(spec.config.hiddenLayerCount <= 2, "\(entry.id)")
      var space = CheckpointSpace()
      try space.restrict(to: entry.when)
      let beyond = space.disallowedAxis(AxisValues(spec))
      #expect(beyond == nil, "\(entry.id)")
    }
  }

  @Test("A list says of which layouts it speaks; without that, of hy_v3")
  func layouts() throws {
    #expect(try KnownLists.read(KnownLists.file([good])).layouts == ["hy_v3"])
    var file = try #require(KnownLists.file([good]).objectValue)
    file["layouts"] = ["qwen3_moe", "own"]
    let list = try KnownLists.read(.object(file))
    #expect(list.layouts == ["qwen3_moe", "own"])
    #expect(list.subject == "versioned 1.2, layout qwen3_moe, own")
    #expect(list.replayCommand(list.entries[0]).contains(" --layout qwen3_moe "))
    file["layouts"] = []
    #expect(error(.object(file))?.field == "layouts")
    file["layouts"] = "qwen3_moe"
    #expect(error(.object(file))?.expected == "an array")
  }

  @Test("Golden cases may be named")
  func goldens() throws {
    var object = good.objectValue ?? JSONObject()
    object["goldens"] = ["mtp-1-preserve"]
    let list = try KnownLists.read(KnownLists.file([.object(object)]))
    #expect(list.entries.first?.goldens == ["mtp-1-preserve"])
    let found = error("goldens", 3)
    #expect(found?.field == "goldens")
  }

  @Test("All members are read")
  func reads() throws {
    let list = try KnownLists.read(KnownLists.file([good], command: "serve it"))
    #expect(list.subject == "versioned 1.2" && list.command == "serve it")
    let entry = try #require(list.entries.first)
    #expect(entry.id == "much" && entry.decision == "report upstream")
    #expect(entry.violations == [ViolationPattern(law: "few-experts")])
    #expect(entry.when.map(\.axis) == ["LoRA", "experts"])
    #expect(entry.diagnosis == ["too much"])
    #expect(try KnownLists.read(KnownLists.file([])).entries.isEmpty)
  }

  @Test("Errors name the file, the entry and the member, and say what is expected")
  func errors() throws {
    for (member, value, expected) in [
      ("id", "Much More", "lower-case words"), ("id", "-a", "lower-case words"),
      ("id", nil, "the member"), ("title", "", "words for the reader"),
      ("summary", " \n", "words for the reader"), ("decision", 3, "a string"),
      ("violations", [], "one or more"), ("violations", "all", "an array"),
      ("diagnosis", [1], "an array of strings"),
      ("case", "p2_zz", "a checkpoint, as text that begins with 'c1:'"),
      ("case", "", "a checkpoint"), ("when", [:], nil), ("when", [], "an object"),
      ("note", "x", "a member that is one of id, title"),
    ] as [(String, JSONValue?, String?)] {
      let found = error(member, value)
      guard let expected else {
        #expect(found == nil)
        continue
      }
      #expect(found?.expected.contains(expected) == true, "\(member): \(String(describing: found))")
      #expect(found?.field == member, "\(String(describing: found))")
      #expect(found?.path == "known.json")
      if member != "id" { #expect(found?.entry == "'much'") }
    }
    let law = error("violations", [["law": "none-such", "kind": "*", "place": "*"]])
    #expect(law?.field == "violations[0].law")
    #expect(law?.expected == "one of shallow, few-experts, flat")
    #expect(error("violations", [["law": "flat", "kind": "*"]])?.field == "violations[0].place")
    #expect(error("violations", [["law": "f*", "kind": "*", "place": "*"]]) == nil)
    let axis = error("when", ["expert": ["3"]])
    #expect(axis?.field == "when" && axis?.found.contains("'experts'") == true)
    #expect(error("when", ["experts": ["5"]])?.found.contains(", 4-8, ") == true)
    #expect(error("when", ["experts": "3"])?.field == "when.experts")
  }

  @Test("The file as a whole is checked too")
  func wholeFile() throws {
    #expect(error(KnownLists.file([good, good]))?.expected == "an id that no other entry has")
    for (member, value) in [
      ("schemaVersion", 2), ("schemaVersion", nil), ("adapter", ""), ("version", nil),
      ("entries", [:]), ("other", 1), ("command", ""),
    ] as [(String, JSONValue?)] {
      var object = KnownLists.file([good]).objectValue ?? JSONObject()
      object[member] = value
      let found = error(.object(object))
      #expect(found?.field == member && found?.entry == nil, "\(member)")
    }
    #expect(error("x")?.field == "schemaVersion")
    #expect(throws: DocumentError.self) {
      try KnownDivergences(parsing: Array("{".utf8), path: "known.json")
    }
  }
}
